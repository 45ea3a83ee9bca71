import { expect } from "chai";

import { jdbcUrl } from "../../components/keycloakServer.ts";
import { renderConf, renderFlaskenv } from "../../components/serviceFiles.ts";

const database = {
  DB_HOST: "127.0.0.1",
  DB_PORT: "5433",
  DB_NAME: "o'b x",
  DB_USER: "us@er",
  DB_PASSWORD: "p:/%$ü'\"",
};

describe("the files of a service that is not ours", () => {
  it("hold an address whose parts are encoded", () => {
    expect(renderConf(database).split("\n")).to.deep.equal([
      "[database]",
      "connection_string = postgresql://us%40er:p%3A%2F%25%24%C3%BC%27%22@127.0.0.1:5433/o%27b%20x",
      "db_host = 127.0.0.1",
      "db_port = 5433",
      "db_name = o'b x",
      "db_user = us@er",
      "",
    ]);
  });

  it("say how an external server is checked", () => {
    const external = { ...database, DB_AUTHORITY: "/srv/ca file.crt" };
    expect(renderConf(external)).to.include(
      "?sslmode=verify-full&sslrootcert=%2Fsrv%2Fca%20file.crt",
    );
  });

  it("quote what python-dotenv would read otherwise", () => {
    const value = "a'b\\c${HOME}\"#";
    expect(renderFlaskenv({ KEY: value })).to.equal(`KEY='a\\'b\\\\c\${:-$}{HOME}"#'\n`);
  });
});

describe("Keycloak's address of its database", () => {
  it("is encoded, and checks an external server by its name", () => {
    const environment = { ...database, DB_PASSWORD: "unused" } as never;
    expect(jdbcUrl(environment)).to.equal("jdbc:postgresql://127.0.0.1:5433/o'b%20x");
    expect(jdbcUrl({ ...(environment as object), DB_AUTHORITY: "/srv/ca" } as never)).to.equal(
      "jdbc:postgresql://127.0.0.1:5433/o'b%20x?sslmode=verify-full&sslrootcert=%2Fsrv%2Fca",
    );
  });
});
