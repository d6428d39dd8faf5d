//! The scanner against `serde_json`, at every cut.

use std::cell::Cell;
use std::ops::Range;

use fearless_simd::{Level, Simd as _};

use proptest::prelude::*;
use serde_json::Value;

use super::text::TextMeter;
use super::{Container, Cursor, JsonStr, Next, Scalar, Scanner, Visit};

mod skipping;

thread_local! {
    /// The vectors that this thread works with, if they are not the widest ones.
    pub(super) static LEVEL: Cell<Option<Level>> = const { Cell::new(None) };
}

/// Does `test` once with each kind of vectors that the processor has.
fn with_all_vectors(mut test: impl FnMut() -> Result<(), TestCaseError>) -> Result<(), TestCaseError> {
    let widest = Level::new();
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let narrower = [
        widest.as_sse2().map(|vectors| vectors.level()),
        widest.as_sse4_2().map(|vectors| vectors.level()),
        widest.as_avx2().map(|vectors| vectors.level()),
    ];
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    let narrower = [None];
    for level in narrower.into_iter().flatten().chain([widest]) {
        LEVEL.set(Some(level));
        test()?;
    }
    LEVEL.set(None);
    Ok(())
}

/// Looks at everything and writes down what it is told, one line each.
#[derive(Default)]
struct Everything {
    told: Vec<String>,
    ranges: Vec<Range<u64>>,
}

impl Visit for Everything {
    type Node = ();

    fn member(&mut self, (): (), key: &[u8]) -> Next<()> {
        self.told.push(format!("key {}", String::from_utf8_lossy(key)));
        Next::Look(())
    }

    fn element(&mut self, (): ()) -> Next<()> {
        self.told.push("element".into());
        Next::Look(())
    }

    fn open(&mut self, (): (), container: Container) {
        self.told.push(format!("open {container:?}"));
    }

    fn close(&mut self, (): (), _: Container) {
        self.told.push("close".into());
    }

    fn scalar(&mut self, (): (), value: Scalar<'_>, range: Range<u64>) {
        self.ranges.push(range);
        self.told.push(match value {
            Scalar::Null => "null".into(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Number(digits) => format!("number {}", String::from_utf8_lossy(digits)),
            Scalar::String(text) => {
                if text.is_whole() && std::str::from_utf8(text.raw()).is_ok() {
                    assert_eq!(text.decode().len() as u64, measured(text), "decoded length of {:?}", text.decode());
                }
                format!("string {}", text.decode())
            }
        });
    }
}

/// The length of a string once it is decoded, by a cursor.
fn measured(text: JsonStr<'_>) -> u64 {
    Cursor::new(&[b"\"", text.raw(), b"\""].concat()).text().bytes
}

/// Lists what [`Everything`] should have been told of a value.
fn telling(value: &Value, told: &mut Vec<String>) {
    match value {
        Value::Null => told.push("null".into()),
        Value::Bool(value) => told.push(value.to_string()),
        Value::Number(number) => told.push(format!("number {number}")),
        Value::String(text) => told.push(format!("string {text}")),
        Value::Array(elements) => {
            told.push("open Array".into());
            for element in elements {
                told.push("element".into());
                telling(element, told);
            }
            told.push("close".into());
        }
        Value::Object(members) => {
            told.push("open Object".into());
            for (key, member) in members {
                told.push(format!("key {key}"));
                telling(member, told);
            }
            told.push("close".into());
        }
    }
}

fn scan<V: Visit>(root: Next<V::Node>, chunks: &[&[u8]], mut visitor: V) -> (V, Scanner<V::Node>) {
    let mut scanner = Scanner::new(root);
    for chunk in chunks {
        scanner.push(chunk, &mut visitor);
    }
    (visitor, scanner)
}

fn everything(chunks: &[&[u8]]) -> (Vec<String>, Scanner<()>) {
    let (visitor, scanner) = scan(Next::Look(()), chunks, Everything::default());
    (visitor.told, scanner)
}

/// `bytes` cut at `cuts`, wherever they fall.
fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.sort_unstable();
    let mut chunks = Vec::new();
    let mut from = 0;
    for to in at.into_iter().chain([bytes.len()]) {
        chunks.push(&bytes[from..to]);
        from = to;
    }
    chunks
}

/// Documents with awkward strings, at most eight containers deep.
fn document() -> impl Strategy<Value = Value> {
    let text = || prop_oneof!["[a-z]{0,8}", "\\PC{0,12}", "[\\\\\"{}\\[\\],:\u{0}-\u{1f}é漢😀]{0,12}",];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    value.prop_map(|value| Value::from(vec![value]))
}

/// JSON text in which every character of every string is written as an escape.
fn escaped(value: &Value) -> String {
    let string = |text: &str| -> String {
        let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        format!("\"{}\"", units.collect::<String>())
    };
    match value {
        Value::String(text) => string(text),
        Value::Array(elements) => format!("[{}]", elements.iter().map(escaped).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let members = members.iter().map(|(key, member)| format!("{}:{}", string(key), escaped(member)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

proptest! {
    #[test]
    fn whatever_the_cuts_the_walk_is_that_of_serde_json(
        value in document(),
        style in 0..3,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = match style {
            0 => value.to_string(),
            1 => serde_json::to_string_pretty(&value).unwrap(),
            _ => escaped(&value),
        };
        let (told, scanner) = everything(&cut(text.as_bytes(), &cuts));
        let mut expected = Vec::new();
        telling(&value, &mut expected);
        prop_assert_eq!(told, expected, "{}", text);
        prop_assert!(scanner.is_over() && !scanner.is_lost());
    }

    #[test]
    fn on_any_bytes_the_walk_is_the_same_at_every_cut(
        value in document(),
        escape in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), prop::sample::select(b"\\\\\"u0dD8cC{[]}:,".to_vec())]), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut bytes = if escape { escaped(&value) } else { value.to_string() }.into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (whole, scanner) = everything(&[&bytes]);
        let (chunks, in_chunks) = everything(&cut(&bytes, &cuts));
        prop_assert_eq!(&whole, &chunks);
        prop_assert_eq!(scanner.is_lost(), in_chunks.is_lost());
        if serde_json::from_slice::<Value>(&bytes).is_ok() {
            prop_assert!(scanner.is_over() && !scanner.is_lost());
        }
    }

    #[test]
    fn a_raw_value_is_its_bytes_whatever_the_cuts(
        value in document(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = format!("{{\"before\":{value},\"wanted\" : {value} ,\"behind\":{value}}}");
        let (kept, _) = scan(Next::Look(true), &cut(text.as_bytes(), &cuts), Wanted::default());
        let text = value.to_string();
        let tail = text.len().saturating_sub(Wanted::RAW_LIMIT);
        prop_assert_eq!(kept.bytes, &text.as_bytes()[tail..]);
        prop_assert_eq!(kept.whole, Some(tail == 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_is_as_long_as_it_decodes_whatever_its_escapes(
        parts in prop::collection::vec(
            prop_oneof![
                8 => prop::sample::select(vec!["\\n", "\\\"", "\\t"]).prop_map(|escape| format!("some words{escape}")),
                4 => prop::sample::select(vec!["\\", "\"", "\\n", "\\\"", "\\u00e9", "\\ud83d\\ude80", "\\ud83d", "\\x", "u0", "é", "\\é", "a"])
                    .prop_map(str::to_owned),
                1 => (0..140_usize).prop_map(|count| "x".repeat(count)),
            ],
            0..40,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let text = format!("\"{}\",7", parts.concat());
        let mut read = Cursor::new(text.as_bytes());
        let decoded = read.string().unwrap_or_default();
        with_all_vectors(|| {
            let mut measured = Cursor::new(text.as_bytes());
            let span = measured.text();
            prop_assert_eq!(measured.is_broken(), read.is_broken());
            prop_assert_eq!(span.bytes, decoded.len() as u64);
            prop_assert_eq!(measured.peek(), read.peek());
            if !measured.is_broken() {
                prop_assert_eq!(in_pieces(&cut(&text.as_bytes()[1..], &cuts)), Some((span.end - 1, span.bytes)));
            }
            Ok(())
        })?;
    }
}

/// The lengths of a string that comes in pieces: as it is written, and decoded.
fn in_pieces(pieces: &[&[u8]]) -> Option<(usize, u64)> {
    let mut meter = TextMeter::default();
    let mut before = 0;
    for piece in pieces {
        if let Some(end) = meter.push(piece) {
            return Some((before + end, meter.decoded));
        }
        before += piece.len();
    }
    None
}

/// Wants the member `wanted` of the top level as it stands.
#[derive(Default)]
struct Wanted {
    bytes: Vec<u8>,
    whole: Option<bool>,
    most: usize,
}

impl Visit for Wanted {
    type Node = bool;
    const RAW_LIMIT: usize = 100;

    fn member(&mut self, _: bool, key: &[u8]) -> Next<bool> {
        if key == b"wanted" { Next::Raw(true) } else { Next::Skip }
    }

    fn raw(&mut self, _: bool, bytes: &[u8], whole: bool) {
        self.bytes = bytes.to_vec();
        self.whole = Some(whole);
        self.most = self.most.max(bytes.len());
    }
}

#[test]
fn keys_match_however_they_are_written() {
    for text in [
        r#"{"wanted":1}"#,
        r#"{"\u0077anted":1}"#,
        r#" { "want\u0065d" : 1 } "#,
        r#"{"\u0057":0,"\u0077\u0061nted":1}"#,
    ] {
        for at in 0..text.len() {
            let (first, second) = text.as_bytes().split_at(at);
            let (wanted, _) = scan(Next::Look(true), &[first, second], Wanted::default());
            assert_eq!(wanted.bytes, b"1", "{text} cut at {at}");
        }
    }
}

#[test]
fn of_repeated_keys_the_last_is_told_last() {
    let (wanted, _) = scan(Next::Look(true), &[br#"{"wanted":1,"a":[{}],"wanted":{"b":2}}"#], Wanted::default());
    assert_eq!(wanted.bytes, br#"{"b":2}"#);
}

#[test]
fn what_is_no_json_is_lost() {
    for text in [
        "hello",
        "model=x",
        "<html>",
        "}",
        "]",
        ",",
        ":",
        "{1:2}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[1}",
        "{\"a\":1]",
        "[1 2]",
        "[nul]",
        "[truex]",
        "{,",
        "\u{feff}{}",
        "\0",
        "{\"a\"::1}",
        "[,1]",
        "{\"a\":1 \"b\":2}",
    ] {
        assert!(everything(&[text.as_bytes()]).1.is_lost(), "{text:?}");
    }
}

#[test]
fn a_document_that_is_not_over_is_not_lost() {
    for text in
        ["", " ", "{", "[", "[1", "\"abc", "\"abc\\", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "[[", "[{\"a\":[1,{"]
    {
        let (_, scanner) = everything(&[text.as_bytes()]);
        assert!(!scanner.is_over() && !scanner.is_lost(), "{text:?}");
    }
}

#[test]
fn what_follows_the_document_is_not_looked_at() {
    for text in ["[0]]", "{}{\"a\":1}", "[]x", "1 2", "\"a\"\"b\"", "{}\n{}"] {
        let (_, scanner) = everything(&[text.as_bytes()]);
        assert!(scanner.is_over() && !scanner.is_lost(), "{text:?}");
    }
}

#[test]
fn ranges_are_where_the_value_stands_in_the_document() {
    let text = r#" {"a": "x\n\"y" , "b":[ -1.5e3,true ]}"#;
    for at in 0..text.len() {
        let (first, second) = text.as_bytes().split_at(at);
        let (visitor, _) = scan(Next::Look(()), &[first, second], Everything::default());
        let found: Vec<&str> =
            visitor.ranges.iter().map(|range| &text[range.start as usize..range.end as usize]).collect();
        assert_eq!(found, [r#""x\n\"y""#, "-1.5e3", "true"], "cut at {at}");
    }
}

#[test]
fn a_string_too_long_to_be_kept_is_cut_at_a_character() {
    let escape = |n: usize| format!("{}\\u00e9{}", "x".repeat(n), "y".repeat(2000));
    let plain = |n: usize| format!("{}é{}", "x".repeat(n), "y".repeat(2000));
    for n in 1000..1030 {
        for text in [escape(n), plain(n)] {
            let json = format!("[\"{text}\"]");
            let (told, _) = everything(&[json.as_bytes()]);
            let kept = told[2].strip_prefix("string ").unwrap();
            assert!(kept.len() <= 1024 && kept.len() > 1010, "{} kept", kept.len());
            assert!(!kept.contains(char::REPLACEMENT_CHARACTER) && !kept.contains('\\'));
        }
    }
}

#[test]
fn text_that_is_no_unicode_is_replaced_and_never_fails() {
    for (text, expected) in [
        (&b"[\"a\xff\"]"[..], "a\u{fffd}"),
        (br#"["\ud800"]"#, "\u{fffd}"),
        (br#"["\ud83d\ude00"]"#, "😀"),
        (br#"["\udc00\ud83dx"]"#, "\u{fffd}\u{fffd}x"),
        (br#"["\x\u12"]"#, "\u{fffd}\u{fffd}12"),
        ("[\"a\\é\\😀b\"]".as_bytes(), "a\u{fffd}é\u{fffd}😀b"),
    ] {
        let (_, scanner) = scan(Next::Look(()), &[text], Told(expected));
        assert!(scanner.is_over() && !scanner.is_lost());
    }
    struct Told(&'static str);
    impl Visit for Told {
        type Node = ();
        fn member(&mut self, (): (), _: &[u8]) -> Next<()> {
            Next::Skip
        }
        fn element(&mut self, (): ()) -> Next<()> {
            Next::Look(())
        }
        fn scalar(&mut self, (): (), value: Scalar<'_>, _: Range<u64>) {
            assert_eq!(value.as_str().unwrap().decode(), self.0);
            if self.0.contains('é') {
                assert_eq!(measured(value.as_str().unwrap()), self.0.len() as u64);
            }
        }
    }
}

#[test]
fn nesting_costs_no_memory_and_ends_nothing() {
    let mut visitor = Everything::default();
    let mut scanner = Scanner::new(Next::Look(()));
    scanner.push(b"[", &mut visitor);
    for _ in 0..1000 {
        scanner.push("[{\"a\":".repeat(1000).as_bytes(), &mut visitor);
    }
    scanner.push(b"1", &mut visitor);
    for _ in 0..1000 {
        scanner.push("}]".repeat(1000).as_bytes(), &mut visitor);
    }
    scanner.push(b",\"behind\"]", &mut visitor);
    assert!(visitor.told.len() < 100, "only the first levels are told of");
    assert_eq!(visitor.told[visitor.told.len() - 2..], ["string behind", "close"]);
    assert!(scanner.is_over() && !scanner.is_lost());
}

#[test]
fn a_hundred_megabytes_pass_in_bounded_memory() {
    let mut visitor = Wanted::default();
    let mut scanner = Scanner::new(Next::Look(true));
    let text = "all work and no play \\\"makes\\\" Jack {a} [dull] boy\\n".repeat(1000);
    scanner.push(b"{\"wanted\":[\"", &mut visitor);
    for _ in 0..50_000_000 / text.len() {
        scanner.push(text.as_bytes(), &mut visitor);
    }
    scanner.push(b"\"],\"other\":\"", &mut visitor);
    for _ in 0..50_000_000 / text.len() {
        scanner.push(text.as_bytes(), &mut visitor);
    }
    scanner.push(b"\"}", &mut visitor);
    assert!(scanner.is_over() && !scanner.is_lost());
    assert_eq!((visitor.whole, visitor.most), (Some(false), Wanted::RAW_LIMIT));
    assert!(visitor.bytes.ends_with(b"boy\\n\"]"));
    assert!(scanner.kept() <= 4 * Wanted::RAW_LIMIT, "{} bytes are kept", scanner.kept());
}
