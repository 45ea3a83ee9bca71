const tick = process.stdout.isTTY ? 1000 : 30_000;

function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * Prints one line about a step while it works, with the time it takes: rewritten every second on a
 * terminal, repeated every 30 seconds elsewhere.
 */
export async function showProgress<Result>(text: string, work: () => Promise<Result>) {
  const start = performance.now();
  const end = process.stdout.isTTY ? "\r" : "\n";
  const print = (tail: string): void => {
    process.stdout.write(`${text} … ${formatDuration(performance.now() - start)}${tail}`);
  };
  print(end);
  const timer = setInterval(print, tick, end);
  try {
    const result = await work();
    print(" done\n");
    return result;
  } catch (error) {
    print(" failed\n");
    throw error;
  } finally {
    clearInterval(timer);
  }
}
