//! A body whose content type does not say how it is cut: its first bytes tell.

/// Beginnings of the lines of an event stream. No JSON begins like these; some servers declare their event streams as
/// JSON or text.
const SSE_LINES: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];

/// Bytes of the longest of them.
const LONGEST: usize = 6;

/// The first bytes of a body, as long as they do not tell what it is: a beginning of one of [`SSE_LINES`].
#[derive(Debug, Default)]
pub(in crate::usage) struct FirstBytes(Vec<u8>);

/// The body that its first bytes announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    JsonObject,
    JsonArray,
    Sse,
    /// Nothing that could speak of tokens.
    Other,
}

impl FirstBytes {
    /// Looks at the next bytes. `None`: they do not tell yet, and have been kept.
    pub(super) fn announce(&mut self, chunk: &[u8]) -> Option<Announced> {
        if self.0.is_empty() {
            let announced = announced(chunk);
            if announced.is_none() {
                self.0.extend(chunk);
            }
            return announced;
        }
        let known = self.0.len();
        self.0.extend(chunk.iter().take(LONGEST));
        let announced = announced(&self.0);
        if announced.is_some() {
            self.0.truncate(known);
        }
        announced
    }

    /// The bytes that have been kept.
    pub(super) fn kept(&self) -> &[u8] {
        &self.0
    }
}

fn announced(first: &[u8]) -> Option<Announced> {
    match first {
        [] => None,
        [b'{', ..] => Some(Announced::JsonObject),
        [b'[', ..] => Some(Announced::JsonArray),
        _ if SSE_LINES.iter().any(|line| first.starts_with(line)) => Some(Announced::Sse),
        _ if SSE_LINES.iter().any(|line| line.starts_with(first)) => None,
        _ => Some(Announced::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_announced_alike_however_it_is_cut() {
        for (body, expected) in [
            ("{\"a\":1}", Announced::JsonObject),
            ("[1]", Announced::JsonArray),
            ("data: {}", Announced::Sse),
            ("event:x", Announced::Sse),
            ("id:7", Announced::Sse),
            ("retry: 100", Announced::Sse),
            (": ping", Announced::Sse),
            ("dear reader", Announced::Other),
            ("eve: a play", Announced::Other),
            ("ideas", Announced::Other),
            ("7", Announced::Other),
        ] {
            assert_eq!(FirstBytes::default().announce(body.as_bytes()), Some(expected), "{body}");
            let mut first = FirstBytes::default();
            let announced = body.as_bytes().chunks(1).find_map(|byte| first.announce(byte));
            assert_eq!(announced, Some(expected), "{body}");
            assert!(body.as_bytes().starts_with(first.kept()));
        }
    }
}
