//! The log: a line for each event, on standard error.
//!
//! There is one for each request, so it has to be cheap where requests come by the ten thousand, which is where standard error
//! is a file or a pipe. There, a formatter of our own writes the same as `tracing-subscriber`'s, which is made for colours and
//! spans, at about a third of the instructions; and lines that come close together are written together, by a thread that no request
//! waits for.

use std::{
    cell::RefCell,
    ffi::OsString,
    fmt::{self, Write as _},
    io::{self, IsTerminal, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    registry::LookupSpan,
};

use crate::config::description::SettingsError;

/// Lines that come within this time of the last writing wait for the next.
const PAUSE: Duration = Duration::from_millis(20);

/// The most bytes of lines that wait. When their reader does not keep up, further lines are lost, and counted.
const MOST_WAITING: usize = 4 * 1024 * 1024;

/// Starts to log, by `RUST_LOG`. What is returned is to be finished at the end.
///
/// # Errors
/// `RUST_LOG` cannot be understood, or the thread that writes cannot be started.
pub(crate) fn init() -> Result<Option<LastLines>, SettingsError> {
    let filter = filter(std::env::var_os("RUST_LOG"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    if io::stderr().is_terminal() {
        log.with_writer(io::stderr).init();
        return Ok(None);
    }
    let queue = Arc::<Queue>::default();
    let writing = Arc::clone(&queue);
    let thread = thread::Builder::new().name("log".to_owned()).spawn(move || writing.write_to(&mut io::stderr()));
    thread.map_err(|error| SettingsError::new(format!("the thread of the log cannot be started: {error}")))?;
    log.event_format(LineFormat).with_writer(QueueWriter(Arc::clone(&queue))).init();
    Ok(Some(LastLines(queue)))
}

/// Reads which lines are wanted, from the value of `RUST_LOG`.
fn filter(value: Option<OsString>) -> Result<EnvFilter, SettingsError> {
    let value = value.unwrap_or_default();
    let wanted = value.to_str().map(str::trim);
    match wanted {
        Some("") => Ok(EnvFilter::new("info")),
        _ => wanted.and_then(|text| text.parse().ok()).ok_or_else(|| {
            let allowed = "are a level (error, warn, info, debug, trace, off) and TARGET=LEVEL, comma separated";
            SettingsError::value("RUST_LOG", &value.to_string_lossy(), allowed)
        }),
    }
}

/// The longest wait for the last lines: their reader may have stopped.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The lines that have not been written yet.
#[derive(Debug)]
pub(crate) struct LastLines(Arc<Queue>);

impl LastLines {
    /// Waits until they have been.
    pub(crate) fn finish(self) {
        let mut waiting = self.0.waiting();
        waiting.closed = true;
        self.0.changed.notify_all();
        let _ = self.0.changed.wait_timeout_while(waiting, LAST_WAIT, |waiting| !waiting.written);
    }
}

/// Lines on their way to the thread that writes them.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    lost: u64,
    /// The thread waits for a line. While it does not, no system call is made to wake it.
    asleep: bool,
    closed: bool,
    /// All of it, after it was closed.
    written: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.lines.len() + line.len() > MOST_WAITING {
            waiting.lost += 1;
            return;
        }
        waiting.lines.extend_from_slice(line);
        if std::mem::take(&mut waiting.asleep) {
            drop(waiting);
            self.changed.notify_one();
        }
    }

    /// Writes lines as they come, until it is closed.
    fn write_to(&self, out: &mut impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut waiting = self.waiting();
            waiting.asleep = true;
            let mut waiting = self
                .changed
                .wait_while(waiting, |waiting| waiting.lines.is_empty() && !waiting.closed)
                .unwrap_or_else(PoisonError::into_inner);
            waiting.asleep = false;
            std::mem::swap(&mut lines, &mut waiting.lines);
            let (lost, closed) = (std::mem::take(&mut waiting.lost), waiting.closed);
            drop(waiting);
            // There is no other place to report that the log cannot be written.
            let _ = out.write_all(&lines);
            if lost > 0 {
                let _ = writeln!(out, "log lines lost: {lost}. They came faster than they could be written");
            }
            if closed {
                self.waiting().written = true;
                return self.changed.notify_all();
            }
            // A crowd's memory is given back.
            lines.clear();
            lines.shrink_to(64 * 1024);
            thread::sleep(PAUSE);
        }
    }
}

/// Where the formatter puts its lines, each at one go.
#[derive(Debug)]
struct QueueWriter(Arc<Queue>);

impl<'a> MakeWriter<'a> for QueueWriter {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &QueueWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One line an event: when, how grave, from where, what, and its fields.
#[derive(Debug)]
struct LineFormat;

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::with_capacity(USUAL_LEN);
        push_time(&mut line, SystemTime::now());
        let level = event.metadata().level().as_str();
        line.extend([&"      "[level.len().min(5)..], level, " ", event.metadata().target(), ":"]);
        event.record(&mut Fields(&mut line));
        line.push('\n');
        // Once: each piece would be a call through two pointers.
        writer.write_str(&line)
    }
}

/// Bytes of the line of a request.
const USUAL_LEN: usize = 320;

/// A second of wall time, counted from the Unix epoch, and its text without the zone.
#[derive(Debug, Default)]
struct Second {
    number: u64,
    text: String,
}

/// Appends a time in UTC to the microsecond, as RFC 3339 writes it. Lines come many to a second, whose text is made once.
fn push_time(line: &mut String, at: SystemTime) {
    thread_local! {
        static LAST: RefCell<Second> = RefCell::default();
    }
    let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    LAST.with_borrow_mut(|last| {
        let number = since_epoch.as_secs();
        if last.number != number || last.text.is_empty() {
            last.number = number;
            last.text.clear();
            let _ =
                write!(last.text, "{}", humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(number)));
            last.text.pop();
        }
        line.push_str(&last.text);
    });
    // The digit in front keeps the zeros that follow it.
    let mut micros = itoa::Buffer::new();
    let micros = micros.format(1_000_000 + since_epoch.subsec_micros());
    line.extend([".", &micros[1..], "Z"]);
}

/// Appends the fields as they are told. Writing to a `String` cannot fail.
struct Fields<'a>(&'a mut String);

impl Fields<'_> {
    #[inline(always)]
    fn name(&mut self, field: &Field) {
        self.0.push(' ');
        // The message stands for itself.
        if field.name() != "message" {
            self.0.push_str(field.name());
            self.0.push('=');
        }
    }
}

/// Whether a byte stands for itself between quotes. Texts are short, so that a table takes less time than vectors do.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        plain[byte as usize] = byte != b'"' && byte != b'\\';
        byte += 1;
    }
    plain
};

impl Visit for Fields<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        self.0.push_str(itoa::Buffer::new().format(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // Most texts are plain; a line end in one must not pass for the end of the line.
        if !value.bytes().all(|byte| PLAIN[usize::from(byte)]) {
            return self.record_debug(field, &value);
        }
        self.name(field);
        self.0.push('"');
        self.0.push_str(value);
        self.0.push('"');
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        let _ = write!(self.0, "{value:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Closes the queue and returns what is written then.
    fn written(queue: &Queue) -> String {
        queue.waiting().closed = true;
        let mut out = Vec::new();
        queue.write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_wish_that_is_not_understood_stops_the_start() {
        for text in ["", " ", "debug", "warn,hyper=trace", "of_another_program=info"] {
            assert!(filter(Some(text.into())).is_ok(), "{text:?}");
        }
        for text in ["proxy=loud", "info,=,", "=="] {
            let wrong = filter(Some(text.into())).unwrap_err().to_string();
            assert!(wrong.starts_with(&format!("RUST_LOG={text:?} is not understood: allowed are a level")), "{wrong}");
        }
    }

    #[test]
    fn the_time_of_a_line_is_written_to_the_microsecond() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_764_041_399_000_007, "2025-11-25T03:29:59.000007Z"),
            (1_764_041_399_999_999, "2025-11-25T03:29:59.999999Z"),
            (1_764_041_400_120_000, "2025-11-25T03:30:00.120000Z"),
        ] {
            let mut line = String::new();
            push_time(&mut line, UNIX_EPOCH + Duration::from_micros(micros));
            assert_eq!(line, text);
        }
    }

    #[test]
    fn all_lines_are_written_in_their_order_by_the_end() {
        let queue = Queue::default();
        let mut sender = &QueueWriter(Arc::new(queue));
        for line in ["one\n", "two\n", "three\n"] {
            sender.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(written(&sender.0), "one\ntwo\nthree\n");
    }

    #[test]
    fn lines_that_are_not_read_are_counted_instead_of_kept() {
        let queue = Queue::default();
        let line = [b'x'; 1024];
        for _ in 0..MOST_WAITING / line.len() + 3 {
            queue.push(&line);
        }
        assert!(queue.waiting().lines.len() <= MOST_WAITING);
        assert!(written(&queue).ends_with("log lines lost: 3. They came faster than they could be written\n"));
    }

    /// Passes on what is written.
    struct Pipe(mpsc::Sender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_waiting_thread_is_woken_by_a_line() {
        let queue = Arc::<Queue>::default();
        let (sent, written) = mpsc::channel();
        let writing = Arc::clone(&queue);
        let thread = thread::spawn(move || writing.write_to(&mut Pipe(sent)));
        for line in [b"a", b"b"] {
            while !queue.waiting().asleep {
                thread::yield_now();
            }
            queue.push(line);
            assert_eq!(written.recv_timeout(Duration::from_secs(20)).unwrap(), line);
        }
        LastLines(queue).finish();
        thread.join().unwrap();
        assert!(written.recv().is_err(), "nothing more is written");
    }
}
