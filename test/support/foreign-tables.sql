-- Tables of the systems that docs/moving-in.md exports accounts from, as far as its queries read them, with two people each.

-- Flask
CREATE TABLE users (id serial, email text, name text, password text, active boolean, created_at timestamp);
INSERT INTO users (email, name, password, active, created_at) VALUES
  ('lin@example.com', 'Lin', 'pbkdf2:sha256:1000$salt$' || repeat('0', 64), true, '2024-02-29 12:00'),
  ('kim@example.com', '김', NULL, false, '2025-01-01 00:00');

-- Auth.js with the Prisma adapter
CREATE TABLE "User" (id text, email text, name text, "emailVerified" timestamp(3));
CREATE TABLE "Account" ("userId" text, provider text, "providerAccountId" text, id_token text);
INSERT INTO "User" VALUES ('1', 'lin.authjs@example.com', 'Lin', NULL), ('2', 'kim.authjs@example.com', '김', '2024-02-29 12:00');
INSERT INTO "Account" VALUES ('1', 'google', '104729104729104729101', NULL);

-- better-auth
CREATE TABLE "user" (id text, email text, name text, "emailVerified" boolean);
CREATE TABLE account ("userId" text, "providerId" text, "accountId" text, password text, "idToken" text);
INSERT INTO "user" VALUES ('1', 'lin.better@example.com', 'Lin', true), ('2', 'kim.better@example.com', '김', false);
INSERT INTO account VALUES
  ('1', 'credential', '1', '5ad6be9f4c124378a1b2c3d4e5f60718:' || repeat('0f', 64), NULL),
  ('1', 'github', '583230', NULL, NULL);

-- Supabase
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid, email text, email_confirmed_at timestamptz, raw_user_meta_data jsonb,
  encrypted_password text, created_at timestamptz, last_sign_in_at timestamptz, deleted_at timestamptz);
CREATE TABLE auth.identities (id uuid, user_id uuid, provider text, provider_id text, identity_data jsonb, email text);
INSERT INTO auth.users VALUES
  ('6f9619ff-8b86-4d01-b42d-00cf4fc964f1', 'lin.supabase@example.com', now(), '{"full_name": "Lin"}', '', now(), now(), NULL),
  ('6f9619ff-8b86-4d01-b42d-00cf4fc964f2', 'kim.supabase@example.com', NULL, '{}', '$2a$10$' || repeat('a', 53), now(), NULL, NULL),
  ('6f9619ff-8b86-4d01-b42d-00cf4fc964f3', 'gone@example.com', NULL, '{}', '', now(), NULL, now());
INSERT INTO auth.identities VALUES ('0d8f6f2a-64f4-4f2b-9f0e-2f4a1f0b7c1a', '6f9619ff-8b86-4d01-b42d-00cf4fc964f1', 'github',
  '583231', '{"iss": "https://api.github.com", "sub": "583231"}', 'lin.supabase@example.com');
