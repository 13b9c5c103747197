-- The server creates later ones.
SELECT "create_audit_partitions"();
