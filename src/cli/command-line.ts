/** The commands and their options; what goes wrong becomes a message and an exit code. */
import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { Command, CommanderError, Option } from 'commander';
import { describe } from '../../machines/errors.ts';
import { parseBudget, parsePort } from './amounts.ts';
import { EXIT_CODES_HELP, exitCodeOf } from './exit-code.ts';
import { GRAPH_FORMATS, graphFlow, type GraphOptions } from './graph-flow.ts';
import type { OpenOptions } from './open-recording.ts';
import { runFlow, type RunOptions } from './run-flow.ts';

const { version } = createRequire(import.meta.url)('sluice/package.json') as { version: string };

/** Does what the arguments say. Returns the exit code; never throws. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('sluice')
    .description('Runs streaming data pipelines, and shows what they are made of.')
    .version(version)
    .helpCommand(false)
    .showHelpAfterError('Try: sluice --help')
    .exitOverride()
    .addHelpText('after', `\n${EXIT_CODES_HELP}`);

  addFlowCommand(program, 'run')
    .description('run the pipeline of a file, showing its progress, and say in the end what it did')
    .option('-q, --quiet', 'show nothing but errors')
    .option('--inspect', 'show the run in a browser: prints the address of the inspector')
    .option('--control', 'with --inspect: let those who look hold, step and change the run')
    .option('--stay', 'with --inspect: keep it after the run, until Ctrl-C')
    .option('--record <file>', 'record the run to a file, for sluice open')
    .action(async (file: string, options: RunOptions) => {
      exitCode = await runFlow(file, options);
    });
  program
    .command('open')
    .description('show a recording of a run in a browser: prints the address of the inspector')
    .argument('<recording>', 'a file that was written with --record or run.record()')
    .option('--port <port>', 'where to listen; default: any port that is free', parsePort)
    .option('--verbose', 'show errors with their stack and cause')
    .action(async (file: string, { port }: OpenOptions) => {
      const { openInInspector } = await import('./open-recording.ts');
      exitCode = await openInInspector(file, port === undefined ? {} : { port });
    });
  addFlowCommand(program, 'graph')
    .description(
      "show the plan of a file's pipeline, as text and as a Mermaid flowchart, or as SVG",
    )
    .addOption(new Option('--format <format>', 'show it in one way only').choices(GRAPH_FORMATS))
    .action(async (file: string, options: GraphOptions) => {
      exitCode = await graphFlow(file, options);
    });

  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what is wrong already.
    if (!(error instanceof CommanderError)) complain(error, args.includes('--verbose'));
    return exitCodeOf(error);
  }
}

/** What all commands about a file have in common. */
function addFlowCommand(program: Command, name: string): Command {
  return program
    .command(name)
    .argument('<file>', 'JavaScript or TypeScript that exports a flow, as default or as "flow"')
    .option(
      '--budget <amounts>',
      'what may be used at once: cpu=4,memory=2GB,blockBytes=64MB',
      parseBudget,
    )
    .option('--export <name>', 'the name of the export to take')
    .option('--verbose', 'show errors with their stack and cause')
    .addHelpText('after', `\n${EXIT_CODES_HELP}`);
}

function complain(error: unknown, verbose: boolean): void {
  const text = verbose ? inspect(error) : describe(error);
  process.stderr.write(`sluice: ${text}\n`);
}
