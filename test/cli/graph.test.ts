import { expect, test } from 'vitest';
import { sluice } from './child.ts';

async function graph(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await sluice(['graph', ...args]).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

test.concurrent(
  'tells as text what operators are, need and may do, and where their blocks go',
  async () => {
    const text = await graph('test/cli/fixtures/branches.ts', '--format', 'text');
    expect(text).toBe(`branches

operator     kind       tasks                    blocks go to
numbers      source                              say "hi" #1
say "hi" #1  transform  cpu 1, up to 64 at once  right and store
right        transform  cpu 1, up to 64 at once  a or b
a            transform  cpu 1, up to 64 at once  pairs (input 1)
b            transform  cpu 1, up to 64 at once  pairs (input 1)
letters      source                              pairs (input 2)
pairs        transform                           the consumer
store        sink       cpu 1
`);
  },
);

test.concurrent('draws a Mermaid flowchart, in which no name can break anything', async () => {
  const text = await graph('test/cli/fixtures/branches.ts', '--format', 'mermaid');
  expect(text).toBe(`flowchart LR
  operator0(["numbers"])
  operator1["say #34;hi#34; #35;1<br/>cpu 1, up to 64 at once"]
  operator2["right<br/>cpu 1, up to 64 at once"]
  operator3["a<br/>cpu 1, up to 64 at once"]
  operator4["b<br/>cpu 1, up to 64 at once"]
  operator5(["letters"])
  operator6["pairs"]
  operator7[("store<br/>cpu 1")]
  consumer(("consumer"))
  operator0 --> operator1
  operator1 --> operator2
  operator1 --> operator7
  operator2 -.-> operator3
  operator2 -.-> operator4
  operator3 -->|"input 1"| operator6
  operator4 -->|"input 1"| operator6
  operator5 -->|"input 2"| operator6
  operator6 --> consumer
`);
});

test.concurrent(
  'shows both if not told otherwise, and what is special about an operator',
  async () => {
    const budget = ['--budget', 'gpu=2,memory=1GB'];
    const text = await graph('test/cli/fixtures/greedy.ts', ...budget);
    expect(text).toContain(
      'gpu 2, memory 1000000000, up to 3 at once, retries 2, on error skip, keeps order',
    );
    expect(text).toContain('\n\nflowchart LR\n');
  },
);

test.concurrent('a flow that ends in a sink has no consumer', async () => {
  const text = await graph('test/cli/fixtures/named.ts', '--export', 'second');
  expect(text).not.toContain('consumer');
  expect(text).toContain('operator3[("store<br/>cpu 1")]');
});

test.concurrent('a plan that can never run is refused with exit code 2', async () => {
  const { code, stdout, stderr } = await sluice(['graph', 'test/cli/fixtures/greedy.ts']).ended;
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^sluice: operator "train" needs 2 gpu, which the budget does not name/);
});

test.concurrent('a format that is none is refused with exit code 2', async () => {
  const args = ['graph', 'test/cli/fixtures/named.ts', '--format', 'dot'];
  const { code, stderr } = await sluice(args).ended;
  expect(code).toBe(2);
  expect(stderr).toContain('Allowed choices are text, mermaid');
});

test.concurrent('draws the plan as an SVG that stands alone', async () => {
  const svg = await graph('test/cli/fixtures/branches.ts', '--format', 'svg');
  expect(svg).toMatch(/^<svg xmlns="[^"]+" role="img" .*<\/svg>\n$/s);
  expect(svg).toContain('<title>branches');
  for (const operator of ['numbers', 'say &#34;hi&#34; #1', 'pairs', 'store', 'consumer']) {
    expect(svg).toContain(`>${operator}<`);
  }
  expect(svg.match(/<path /g)).toHaveLength(9);
});
