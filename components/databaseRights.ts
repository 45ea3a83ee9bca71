import { identifier, literal } from "./sqlText.ts";
import type { Roles } from "./databaseNames.ts";

/** A query that says whether something holds, and statements that make it so. */
interface Rights {
  readonly check: string;
  readonly apply: string;
}

/**
 * In a service's database: nobody else may connect, nobody but the owner makes tables, and whoever
 * signs in acts as the owner, so that everything belongs to the owner whichever login made it.
 */
export function databaseRights({ owner, logins }: Roles, active: string): Rights {
  const both = logins.map(literal).join(", ");
  return {
    check: `
SELECT NOT EXISTS (
    SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    WHERE d.datname = current_database() AND a.grantee = 0)
  AND NOT EXISTS (
    SELECT FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE')
  AND EXISTS (
    SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
    WHERE s.setdatabase = 0 AND r.rolname = ${literal(active)}
      AND ${literal(`role=${owner}`)} = ANY (s.setconfig))
  AND NOT EXISTS (
    SELECT FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
    WHERE d.deptype = 'o' AND r.rolname IN (${both})
      AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()));`,
    apply: `
DO ${literal(`
DECLARE login name;
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  FOR login IN SELECT rolname FROM pg_roles WHERE rolname IN (${both}) LOOP
    EXECUTE format('REASSIGN OWNED BY %I TO %I', login, ${literal(owner)});
  END LOOP;
END`)};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER ROLE ${identifier(active)} SET role TO ${literal(owner)};`,
  };
}

/**
 * In a server of our own: nobody but the superuser gets into the databases that come with it, or
 * into whatever is copied from them; statements are counted.
 */
export const serverRights: Rights = {
  check: `
SELECT NOT EXISTS (
    SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    WHERE d.datname IN ('postgres', 'template1') AND a.grantee = 0)
  AND EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements');`,
  apply: `
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;`,
};
