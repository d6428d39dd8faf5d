/** The smallest chat with React: what `useSSEStream` gives, and nothing else. Without JSX, so that nothing has to be built. */

import { createRoot, React } from '../vendor/react.js';
import { useSSEStream } from '../sse/use-sse-stream.js';

const { createElement: h, StrictMode, useState } = React;

function Chat() {
  const { status, error, attempt, startStream, stopStream } = useSSEStream(React);
  const [question, setQuestion] = useState('When does a request leave the list?');
  const [stage, setStage] = useState('');
  const [answer, setAnswer] = useState('');
  const running = ['connecting', 'streaming', 'waiting'].includes(status);

  /** @param {{ preventDefault(): void }} event */
  const ask = (event) => {
    event.preventDefault();
    setStage('');
    setAnswer('');
    void startStream(
      '/api/chat/stream',
      { message: question, session_id: 'react' },
      { onStage: setStage, onToken: (token) => setAnswer((text) => text + token) },
    );
  };

  return h(
    'section',
    { className: 'answer' },
    h(
      'form',
      { className: 'facts', onSubmit: ask },
      h('input', { 'aria-label': 'Question', size: 40, value: question, onChange: (event) => setQuestion(event.target.value) }),
      h('button', { type: 'submit' }, 'Ask'),
      h('button', { type: 'button', disabled: !running, onClick: () => stopStream() }, 'Stop'),
    ),
    h('p', { className: 'facts', role: 'status' }, [status, attempt > 0 && `retry ${attempt}`, stage].filter(Boolean).join(' · ')),
    error instanceof Error && h('p', { className: 'notice failed', role: 'alert' }, error.message),
    h('p', { className: 'text', id: 'answer' }, answer),
  );
}

/** A page that shows the chat only sometimes: unmounting stops the stream. */
function Page() {
  const [shown, setShown] = useState(true);
  return h(
    React.Fragment,
    null,
    h('p', { className: 'facts' }, h('button', { type: 'button', onClick: () => setShown(!shown) }, shown ? 'Unmount' : 'Mount')),
    shown && h(Chat),
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(h(StrictMode, null, h(Page)));
