// Loaded before the program (Pulumi.yaml, nodeargs): TypeScript runs as it is from Node 22.18 on.
// Plain JavaScript that an old Node can still read.
const parts = process.versions.node.split(".").map(Number);

if (parts[0] < 22 || (parts[0] === 22 && parts[1] < 18)) {
  process.stderr.write(
    "This program needs Node 22.18 or newer and was started with " +
      process.versions.node +
      ': run `eval "$(npx hive env)"` first, or use `npm run up`.\n',
  );
  // 32 tells Pulumi that the user has been told: it adds nothing of its own.
  process.exit(process.env.PULUMI_CONFIG === undefined ? 1 : 32);
}
