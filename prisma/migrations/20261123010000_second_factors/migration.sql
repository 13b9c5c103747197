-- What second factors, passkeys and sign-in by email store. Existing rows keep their meaning: a session without any
-- proof was started with a password at "authenticated_at".
-- AlterTable
ALTER TABLE "users" ADD COLUMN     "credential_version" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "enrolment_required" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "factor_failures" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "second_factor_required" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "webauthn_handle" BYTEA;

-- AlterTable
ALTER TABLE "roles" ADD COLUMN     "second_factor_required_from" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "email_at" TIMESTAMPTZ(3),
ADD COLUMN     "key_at" TIMESTAMPTZ(3),
ADD COLUMN     "passkey_at" TIMESTAMPTZ(3),
ADD COLUMN     "password_at" TIMESTAMPTZ(3),
ADD COLUMN     "proof_generation" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "recovery_at" TIMESTAMPTZ(3),
ADD COLUMN     "totp_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "totp" (
    "user_id" UUID NOT NULL,
    "sealed_secret" TEXT NOT NULL,
    "algorithm" TEXT NOT NULL,
    "digits" SMALLINT NOT NULL,
    "period_seconds" SMALLINT NOT NULL,
    "last_step" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "totp_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
CREATE TABLE "recovery_codes" (
    "user_id" UUID NOT NULL,
    "slot" SMALLINT NOT NULL,
    "hash" TEXT NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "recovery_codes_pkey" PRIMARY KEY ("user_id","slot")
);

-- CreateTable
CREATE TABLE "passkeys" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "credential_id" BYTEA NOT NULL,
    "public_key" BYTEA NOT NULL,
    "counter" BIGINT NOT NULL,
    "backup_eligible" BOOLEAN NOT NULL,
    "backed_up" BOOLEAN NOT NULL,
    "discoverable" BOOLEAN NOT NULL,
    "transports" TEXT[],
    "aaguid" UUID NOT NULL,
    "user_handle" BYTEA,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "passkeys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "email_codes" (
    "subject" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "code_hmac" BYTEA NOT NULL,
    "attempts" SMALLINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "email_codes_pkey" PRIMARY KEY ("subject")
);

-- CreateTable
CREATE TABLE "email_logins" (
    "id" UUID NOT NULL,
    "user_id" UUID,
    "email_canonical" TEXT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "code_hmac" BYTEA NOT NULL,
    "attempts" SMALLINT NOT NULL DEFAULT 0,
    "payload" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "email_logins_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "spent_tickets" (
    "id" UUID NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "spent_tickets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "factor_recoveries" (
    "user_id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,
    "ready_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "factor_recoveries_pkey" PRIMARY KEY ("user_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "passkeys_credential_id_key" ON "passkeys"("credential_id");

-- CreateIndex
CREATE INDEX "passkeys_user_id_idx" ON "passkeys"("user_id");

-- CreateIndex
CREATE INDEX "email_codes_user_id_idx" ON "email_codes"("user_id");

-- CreateIndex
CREATE INDEX "email_codes_expires_at_idx" ON "email_codes"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "email_logins_token_hash_key" ON "email_logins"("token_hash");

-- CreateIndex
CREATE INDEX "email_logins_user_id_idx" ON "email_logins"("user_id");

-- CreateIndex
CREATE INDEX "email_logins_email_canonical_idx" ON "email_logins"("email_canonical");

-- CreateIndex
CREATE INDEX "email_logins_expires_at_idx" ON "email_logins"("expires_at");

-- CreateIndex
CREATE INDEX "spent_tickets_expires_at_idx" ON "spent_tickets"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "factor_recoveries_token_hash_key" ON "factor_recoveries"("token_hash");

-- CreateIndex
CREATE INDEX "factor_recoveries_expires_at_idx" ON "factor_recoveries"("expires_at");

-- AddForeignKey
ALTER TABLE "totp" ADD CONSTRAINT "totp_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "recovery_codes" ADD CONSTRAINT "recovery_codes_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "passkeys" ADD CONSTRAINT "passkeys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "email_codes" ADD CONSTRAINT "email_codes_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "email_logins" ADD CONSTRAINT "email_logins_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "factor_recoveries" ADD CONSTRAINT "factor_recoveries_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
