// A backend on node-postgres that takes what the contract gives it, and knows nothing of TLS.
const { Client } = require("pg");

async function main() {
  const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = process.env;
  const client = new Client({
    host: DB_HOST, port: Number(DB_PORT), database: DB_NAME, user: DB_USER, password: DB_PASSWORD,
  });
  await client.connect();
  await client.query("SET ROLE NONE");
  const { rows } = await client.query("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
  console.log(`${rows[0].ssl} ${rows[0].version}`);
  await client.end();
}

main().catch((error) => {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
});
