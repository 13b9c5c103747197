-- CreateTable
CREATE TABLE "declared_permissions" (
    "name" TEXT NOT NULL,
    "declared_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "declared_permissions_pkey" PRIMARY KEY ("name")
);
