import tseslint from "typescript-eslint";

/** Folders of the project, for the import-direction table below (ARCHITECTURE.md). */
const inside = (...folders) => folders.map((folder) => `**/${folder}/**`);

/** One full row a folder: a later block replaces the options of an earlier one. */
function mayNotImport(files, folders, options = {}) {
  return {
    files,
    ignores: options.ignores ?? [],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: inside(...folders),
              message: "See the import-direction table in ARCHITECTURE.md.",
            },
            ...(options.typesOnly
              ? [
                  {
                    group: inside(...options.typesOnly),
                    allowTypeImports: true,
                    message: "Only types may be imported from here (ARCHITECTURE.md).",
                  },
                ]
              : []),
          ],
        },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ["node_modules/**", ".hive/**", "policies/**", "test/toolchain/fixtures/**"] },
  ...tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true } } },
  {
    files: ["**/*.ts"],
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/no-deprecated": "error",
    },
  },
  { files: ["**/*.js"], ...tseslint.configs.disableTypeChecked },
  mayNotImport(["index.ts"], ["cli", "runtime", "toolchain", "setup", "test", "bench"]),
  mayNotImport(["config.ts"], ["cli", "components", "provider", "toolchain", "setup", "test"]),
  mayNotImport(
    ["components/**/*.ts"],
    ["cli", "policies", "toolchain", "setup", "test", "bench", "resources", "transport"],
    { typesOnly: ["runtime"] },
  ),
  mayNotImport(
    ["provider/**/*.ts"],
    ["cli", "components", "policies", "runtime", "toolchain", "setup", "test", "bench"],
  ),
  mayNotImport(["cli/**/*.ts"], ["components", "toolchain", "setup", "test", "bench", "resources"]),
  mayNotImport(["setup/**/*.ts"], ["components", "runtime", "toolchain", "test", "bench"]),
  mayNotImport(
    ["toolchain/**/*.ts"],
    ["cli", "components", "provider", "policies", "runtime", "setup", "test", "bench"],
  ),
  ...["core", "gateway", "logger", "kernel"].map((name) =>
    mayNotImport(
      [`runtime/${name}/**/*.ts`],
      [
        ...["core", "gateway", "logger"].filter((other) => other !== name),
        ...["cli", "components", "provider", "policies", "toolchain", "setup", "test", "bench"],
      ],
    ),
  ),
);
