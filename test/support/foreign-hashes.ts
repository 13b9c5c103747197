/**
 * Hashes of `PASSWORD` (service.ts) as other systems write them, none made by the code under test. Werkzeug's were made by
 * Werkzeug 3.1.8; argon2 by argon2-cffi 25; bcrypt by libxcrypt (Python's `crypt.crypt`); the others by Python's
 * `hashlib.pbkdf2_hmac` and `hashlib.scrypt`, put together as Django's hashers.py, the PHC string format and
 * passlib have it.
 */
export const foreignHashes: { by: string; hash: string }[] = [
  {
    by: 'Werkzeug, scrypt',
    hash: 'scrypt:32768:8:1$JtHpk8uJL1QMnmhT$1575619a9abc3edce450c28ed032799f3a982e0a57067401dea928838fe4f1f87d9ce6b7c57b7384a4d1d49063fee83a303fa02cc0d1cb453426d32758a32f71',
  },
  {
    by: 'Werkzeug, PBKDF2 with SHA-256',
    hash: 'pbkdf2:sha256:1000$WvX4JVx6K8pmmciW$22a840f03741259e3fd7417a4fd5b3b11a5134aa6184cd345c36234282eb87bf',
  },
  {
    by: 'Werkzeug, PBKDF2 with SHA-1',
    hash: 'pbkdf2:sha1:1000$BQbbrLJanDyd4ip8$6073a54d8b857d423d4fb30b639112f41df7544e',
  },
  {
    by: 'Werkzeug, PBKDF2 with SHA-512',
    hash: 'pbkdf2:sha512:1000$cDXi4Weu1piIHPid$7b4ce227f22767a8ff3b57e1ecb066e65dcfef46337c24bcd77b55db4b4a379180b4f872278a4abd70a46cff5c387d536728828fc8f43bacb1ba9dccf9979842',
  },
  {
    by: 'Django, PBKDF2 with SHA-256',
    hash: 'pbkdf2_sha256$1000$NaClNaClNaCl$OcVzc8ppr6ekqUHyC8+sFTB19gzXLbICnGRjt/3ZRvw=',
  },
  {
    by: 'Django, PBKDF2 with SHA-1',
    hash: 'pbkdf2_sha1$1000$NaClNaClNaCl$Sijw+tYN1wCjyAQtRCByTBF8psU=',
  },
  {
    by: 'Django, scrypt',
    hash: 'scrypt$16384$NaClNaClNaCl$8$5$PRkC2IbS/qTcs6GfjoVOFHrQtnUfjRdPJacArukI9hUzqRXXKs+J3TYhF1GUWA5cHRI/8d2dV0Jh0Dn1UDOqCg==',
  },
  {
    by: 'Django, argon2',
    hash: 'argon2$argon2id$v=19$m=102400,t=2,p=8$c2l4dGVlbiBieXRlcyBvaw$l8S/IdIH/dVMKcPAoJJofrj32TvDi/WXxl2hiUQ6zWM',
  },
  { by: 'Django, bcrypt', hash: 'bcrypt$$2b$10$abcdefghijklmnopqrstuua5ziywSAmXZUJh15MAiGuNDpEGm53xS' },
  {
    by: 'Django, bcrypt of a SHA-256',
    hash: 'bcrypt_sha256$$2b$10$abcdefghijklmnopqrstuuXqAGUzx1bpmdXZhT2Ae6jCoYm9QY9by',
  },
  { by: 'bcrypt, $2a$', hash: '$2a$10$abcdefghijklmnopqrstuua5ziywSAmXZUJh15MAiGuNDpEGm53xS' },
  { by: 'bcrypt, $2b$', hash: '$2b$10$abcdefghijklmnopqrstuua5ziywSAmXZUJh15MAiGuNDpEGm53xS' },
  { by: 'bcrypt, $2y$ of PHP', hash: '$2y$10$abcdefghijklmnopqrstuua5ziywSAmXZUJh15MAiGuNDpEGm53xS' },
  {
    by: 'argon2i',
    hash: '$argon2i$v=19$m=65536,t=3,p=4$c2l4dGVlbiBieXRlcyBvaw$XM90llD5gmGDhkVKdQD5pJyYOkb/rlzQMFoCz3EGWwk',
  },
  {
    by: 'argon2id of version 16',
    hash: '$argon2id$v=16$m=65536,t=3,p=1$c2l4dGVlbiBieXRlcyBvaw$/8kkl6zsHaKc735ouP4ued23Ut2OnzvphcKqb7WtIPI',
  },
  {
    by: 'PHC, scrypt',
    hash: '$scrypt$ln=15,r=8,p=1$c2l4dGVlbiBieXRlcyBvaw$6FwAWE8co2IxlEG1/s6S6aPv+HjDy4INRya2R+w+y4M',
  },
  {
    by: 'PHC, PBKDF2 with SHA-512',
    hash: '$pbkdf2-sha512$i=1000$c2l4dGVlbiBieXRlcyBvaw$vIWF1e+Y1xIWJNgyinrOHrzLtzeF33mX4OhAnyXJ5PZRqMBEjVTzZ1PE5Jows86ChLCErJ/9NCLFB6GlN2ueug',
  },
  {
    by: 'passlib, PBKDF2 with SHA-256',
    hash: '$pbkdf2-sha256$29000$....//vvvv/7777/..../w$nHRjx2oVMrvoxCF2S4kChAqoZWU8UOL71kyzSUCQ/q4',
  },
  {
    by: 'passlib, PBKDF2 with SHA-1',
    hash: '$pbkdf2$1000$....//vvvv/7777/..../w$oBwuP.Wxu1q49nJ3HrSVJitDJDM',
  },
]

/** Of the same password, by bcrypt at the cost of 4: for where many are checked. */
export const CHEAP_HASH = '$2b$04$abcdefghijklmnopqrstuuU5WiVqXfLbmKO6re1YZ0vgg3DNGD.c.'
