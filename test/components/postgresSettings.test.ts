import { expect } from "chai";

import { accessOf, settingsOf, sizesOf } from "../../components/postgresSettings.ts";

describe("PostgreSQL's settings", () => {
  it("are sized to a small, a middling and a large machine", () => {
    const databases = 3;
    expect(sizesOf({ memory: 1024, cores: 1, databases })).to.deep.equal({
      max_connections: "260",
      shared_buffers: "64MB",
      effective_cache_size: "512MB",
      maintenance_work_mem: "16MB",
      work_mem: "4MB",
      max_worker_processes: "8",
      max_parallel_workers: "1",
      max_parallel_workers_per_gather: "0",
    });
    expect(sizesOf({ memory: 8192, cores: 4, databases })).to.include({
      shared_buffers: "512MB",
      effective_cache_size: "4096MB",
      maintenance_work_mem: "128MB",
      max_parallel_workers_per_gather: "2",
    });
    expect(sizesOf({ memory: 262_144, cores: 32, databases })).to.include({
      shared_buffers: "16384MB",
      maintenance_work_mem: "2048MB",
      work_mem: "126MB",
      max_worker_processes: "32",
      max_parallel_workers_per_gather: "4",
    });
  });

  it("keep to the megabytes that were given", () => {
    const size = { memory: 65_536, cores: 4, budget: 1024, databases: 3 };
    expect(sizesOf(size)).to.include({ shared_buffers: "512MB", maintenance_work_mem: "128MB" });
  });

  it("do not change when a service comes, so that nobody else is restarted by it", () => {
    const size = { memory: 8192, cores: 4 };
    expect(sizesOf({ ...size, databases: 8 })).to.deep.equal(sizesOf({ ...size, databases: 3 }));
    expect(sizesOf({ ...size, databases: 9 }).max_connections).to.equal("500");
  });

  it("hold what backups need, without collecting anything yet", () => {
    const lines = settingsOf("/srv/p", 5433, { memory: 8192, cores: 4, databases: 3 }).split("\n");
    expect(lines).to.include.members([
      "wal_level = replica",
      "archive_mode = on",
      "archive_command = '/bin/true'",
      "shared_preload_libraries = 'pg_stat_statements'",
    ]);
  });

  it("let names that hold quotes, spaces and commas into their own database only", () => {
    const entries = [{ database: 'a "b", all', logins: ["x,y", "all"] }];
    expect(accessOf("postgres", entries).split("\n")[3]).to.equal(
      'host "a ""b"", all" "x,y","all" 127.0.0.1/32 scram-sha-256',
    );
  });
});
