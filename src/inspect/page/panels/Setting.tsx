/** One number of the run that can be changed while it goes on: what is set, and what is wrong with a wish. */
import { useId, useState, type ReactNode } from 'react';
import type { Command } from '../../protocol.ts';
import { useSurroundings } from '../view/context.ts';

export interface SettingProps {
  readonly label: string;
  /** What is set at the live edge, as people read it. */
  readonly now: string;
  /** Numbers alone, with arrow keys; or a text, as `64 MiB`. */
  readonly type: 'number' | 'text';
  /** The number a text says, or in words why it says none that can be set. */
  readonly read: (text: string) => number | string;
  readonly command: (value: number) => Command;
}

export function Setting({ label, now, type, read, command }: SettingProps): ReactNode {
  const { viewer, say } = useSurroundings();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  const id = useId();

  async function set(): Promise<void> {
    const value = read(text.trim());
    if (typeof value === 'string') {
      setProblem(value);
      return;
    }
    try {
      await viewer.source.command(command(value));
      say(`${label}: ${text.trim()} from now on, before ${now}`);
      setText('');
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <form
      className="setting"
      // What is wrong is said by us, in words.
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void set();
      }}
    >
      <label className="row">
        {label}
        <input
          type={type}
          min={0}
          step="any"
          value={text}
          placeholder={now}
          aria-invalid={problem !== ''}
          aria-describedby={id}
          onChange={(event) => {
            setText(event.target.value);
            setProblem('');
          }}
        />
      </label>
      <button type="submit" aria-label={`Set ${label}`}>
        Set
      </button>
      <span className="dim">now {now}</span>
      <span id={id} className="problem" role="status">
        {problem}
      </span>
    </form>
  );
}
