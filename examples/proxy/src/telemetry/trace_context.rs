//! The headers of W3C Trace Context: <https://www.w3.org/TR/trace-context/>.
//!
//! Own code, because the SDK's propagator takes what the recommendation refuses, such as fields of the wrong length and signs, and
//! reads only the first line of a header.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a `traceparent` of version 00: version, trace id, parent id and flags, in hexadecimal, with dashes in between.
const LENGTH: usize = 55;

/// Returns the span that a request's headers name as its parent; `None` if there is none or the header is not valid, where a new
/// trace begins (section 3.2.2).
pub fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let mut lines = headers.get_all(&TRACEPARENT).iter();
    let line = lines.next().filter(|_| lines.next().is_none())?;
    let (trace, span, flags) = read_traceparent(line.as_bytes().trim_ascii())?;
    let states: Option<Vec<&str>> = headers.get_all(&TRACESTATE).iter().map(|line| line.to_str().ok()).collect();
    // A state that cannot be read takes nothing from the parent (section 3.3.1).
    let state = states.and_then(|states| states.join(",").parse::<TraceState>().ok()).unwrap_or_default();
    let context = SpanContext::new(trace, span, flags, true, state);
    context.is_valid().then_some(context)
}

fn read_traceparent(line: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let (fixed, more) = line.split_at_checked(LENGTH)?;
    let [version, trace, span, flags] = [&fixed[..2], &fixed[3..35], &fixed[36..52], &fixed[53..]];
    let dashes = [fixed[2], fixed[35], fixed[52]] == *b"---";
    // A later version may say more behind another dash (section 3.2.4).
    let is_known = match version {
        b"00" => more.is_empty(),
        b"ff" => false,
        _ => more.is_empty() || more[0] == b'-',
    };
    if !dashes || !is_known {
        return None;
    }
    let [_, flags] = [hex::<1>(version)?, hex::<1>(flags)?];
    // Of the flags only "sampled" is known; others are not passed on.
    let flags = TraceFlags::new(flags[0]) & TraceFlags::SAMPLED;
    Some((TraceId::from_bytes(hex(trace)?), SpanId::from_bytes(hex(span)?), flags))
}

/// Reads bytes in hexadecimal, in lower case.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Names `span` as the parent. The state of the trace stays as its lines are, if the request came with a parent, and goes without one
/// (section 3.3).
pub fn name_parent(headers: &mut HeaderMap, span: &SpanContext, came_with_parent: bool) {
    let flags = span.trace_flags() & TraceFlags::SAMPLED;
    let line = format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
    if let Ok(line) = HeaderValue::try_from(line) {
        headers.insert(&TRACEPARENT, line);
    }
    if !came_with_parent {
        headers.remove(&TRACESTATE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parent_of(lines: &[(&'static str, &str)]) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        parent(&headers)
    }

    #[test]
    fn a_valid_parent_is_read() {
        let longer = format!("cc{}-what-the-future-brings", &VALID[2..]);
        let table = [
            (VALID.to_owned(), true),
            (format!("  {VALID}  "), true),
            (VALID.replace("-01", "-00"), false),
            (VALID.replace("-01", "-03"), true),
            (VALID.replace("-01", "-fe"), false),
            (format!("cc{}", &VALID[2..]), true),
            (longer, true),
            (format!("cc{}-", &VALID[2..]), true),
        ];
        for (line, is_sampled) in table {
            let parent = parent_of(&[("traceparent", &line)]).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(parent.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736", "{line}");
            assert_eq!(parent.span_id().to_string(), "00f067aa0ba902b7", "{line}");
            assert_eq!((parent.is_sampled(), parent.is_remote()), (is_sampled, true), "{line}");
        }
    }

    #[test]
    fn what_is_not_valid_is_no_parent() {
        let table = [
            String::new(),
            "00".to_owned(),
            VALID[..54].to_owned(),
            format!("{VALID}-"),
            format!("{VALID}-01"),
            format!("{VALID}0"),
            format!("ff{}", &VALID[2..]),
            format!("0{}", &VALID[2..]),
            format!("+0{}", &VALID[2..]),
            format!("cc{}.more", &VALID[2..]),
            VALID.to_uppercase(),
            VALID.replace("4bf9", "4Bf9"),
            VALID.replace("4bf9", "4bg9"),
            VALID.replace("-01", "-0x"),
            VALID.replace("-01", "-+1"),
            VALID.replace('-', "_"),
            VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            format!("{VALID}, {VALID}"),
        ];
        for line in table {
            assert!(parent_of(&[("traceparent", &line)]).is_none(), "{line:?}");
        }
        assert!(parent_of(&[("traceparent", VALID), ("traceparent", VALID)]).is_none(), "two are none");
        assert!(parent_of(&[("tracestate", "a=1")]).is_none());
    }

    #[test]
    fn all_lines_of_the_state_are_read_and_a_bad_one_harms_nothing() {
        let state = |lines: &[&str]| {
            let mut headers = vec![("traceparent", VALID)];
            headers.extend(lines.iter().map(|line| ("tracestate", *line)));
            parent_of(&headers).unwrap().trace_state().header()
        };
        assert_eq!(state(&["a=1, b=2", "c=3"]), "a=1,b=2,c=3");
        assert_eq!(state(&[]), "");
        assert_eq!(state(&["no list"]), "");
    }

    #[test]
    fn the_state_passes_with_a_parent_and_not_without() {
        let span = parent_of(&[("traceparent", VALID)]).unwrap();
        for (came_with_parent, expected) in [(true, 2), (false, 0)] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("traceparent", "other"), ("tracestate", "a=1"), ("tracestate", "b=2")] {
                headers.append(name, HeaderValue::from_static(value));
            }
            name_parent(&mut headers, &span, came_with_parent);
            assert_eq!(headers.get_all("traceparent").iter().collect::<Vec<_>>(), [VALID]);
            assert_eq!(headers.get_all("tracestate").iter().count(), expected);
        }
    }
}
