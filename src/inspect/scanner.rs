//! The reader of a request's body: finds its facts chunk by chunk, up to a limit.

use super::facts::{RequestFacts, RequestNode, Wanted};
use super::labels::BodyLabels;
use crate::decompress::{ContentEncoding, Decompressor};
use crate::json::{Next, Scanner};

/// Reads the body of one request.
#[derive(Debug)]
pub(super) struct RequestScanner {
    /// Makes an encoded body readable.
    decompressor: Option<Box<Decompressor>>,
    plain: PlainBody,
}

/// The body in plain bytes.
#[derive(Debug)]
struct PlainBody {
    json: Scanner<RequestNode>,
    facts: RequestFacts,
    /// Bytes that may still be looked at.
    budget: u64,
}

impl RequestScanner {
    /// A reader for a body in this encoding; `None` if that cannot be read.
    pub(super) fn new(
        wanted: Wanted,
        labels: BodyLabels,
        scan_limit: u64,
        encoding: ContentEncoding,
    ) -> Option<Box<Self>> {
        let decompressor = match encoding {
            ContentEncoding::Identity => None,
            ContentEncoding::Known(decompressor) => Some(decompressor),
            ContentEncoding::Other => return None,
        };
        let json = Scanner::new(Next::Look(RequestNode::Root));
        let facts = RequestFacts::new(wanted, labels);
        Some(Box::new(Self { decompressor, plain: PlainBody { json, facts, budget: scan_limit } }))
    }

    /// Reads on, and returns the facts if there are new ones.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Option<&RequestFacts> {
        let Self { decompressor, plain } = self;
        match decompressor {
            None => plain.read(chunk),
            Some(decompressor) => {
                if decompressor.feed(chunk, |decoded| plain.read(decoded)).is_err() {
                    plain.budget = 0;
                }
            }
        }
        std::mem::take(&mut plain.facts.changed).then_some(&plain.facts)
    }

    /// Whether nothing more will become known.
    pub(super) fn is_over(&self) -> bool {
        self.plain.budget == 0 || self.plain.json.is_over()
    }
}

impl PlainBody {
    fn read(&mut self, chunk: &[u8]) {
        let within = usize::try_from(self.budget).unwrap_or(usize::MAX).min(chunk.len());
        self.budget -= within as u64;
        self.json.push(&chunk[..within], &mut self.facts);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::Value;

    use super::RequestScanner;
    use crate::config::LabelSources;
    use crate::decompress::ContentEncoding;
    use crate::inspect::facts::{MessageCounts, RequestFacts, Wanted};
    use crate::inspect::labels::BodyLabels;
    use crate::usage::of_path;

    const EVERYTHING: Wanted = Wanted { names: true, counts: true };

    fn scanner(wanted: Wanted, scan_limit: u64) -> Box<RequestScanner> {
        labelled("x-team", wanted, scan_limit)
    }

    fn labelled(labels: &str, wanted: Wanted, scan_limit: u64) -> Box<RequestScanner> {
        let labels: LabelSources = labels.parse().expect("these are labels");
        let labels = BodyLabels::new(labels.shared_body().clone());
        RequestScanner::new(wanted, labels, scan_limit, ContentEncoding::Identity).expect("plain bytes can be read")
    }

    /// The facts of a body that comes in chunks of `size` bytes.
    fn scan(body: &[u8], size: usize, wanted: Wanted) -> RequestFacts {
        let mut scanner = scanner(wanted, u64::MAX);
        for chunk in body.chunks(size) {
            scanner.push(chunk);
        }
        scanner.plain.facts
    }

    fn counts(messages: u32, tool_uses: u32, tool_results: u32) -> Option<MessageCounts> {
        Some(MessageCounts { messages, tool_uses, tool_results })
    }

    #[test]
    fn every_dialect_says_how_many_messages_and_tools_it_holds() {
        for (body, expected) in [
            // OpenAI chat; the older form of calls; fields that SDKs write out as null.
            (
                r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"plain","plain":"u"}]},
                {"role":"assistant","content":null,"function_call":null,"tool_calls":[{"id":"a","type":"function"},{"id":"b","type":"function"}]},
                {"role":"tool","content":"1","tool_call_id":"a"},{"role":"tool","content":[{"type":"plain","plain":"2"}]}],"tools":[{"type":"function"}]}"#,
                counts(5, 2, 2),
            ),
            (
                r#"{"messages":[{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"}]}"#,
                counts(2, 1, 1),
            ),
            (
                r#"{"messages":[{"role":"assistant","tool_calls":null},{"role":"assistant","tool_calls":[]}]}"#,
                counts(2, 0, 0),
            ),
            // Responses
            (r#"{"model":"m","input":"hello"}"#, counts(1, 0, 0)),
            (
                r#"{"input":[{"role":"user","content":"u"},{"type":"message","role":"user","content":[{"type":"input_text","plain":"x"}]},
                {"type":"reasoning","summary":[]},{"type":"function_call","name":"f","arguments":"{\"type\":\"tool_use\"}"},
                {"type":"function_call_output","output":"1"},{"type":"custom_tool_call"},{"type":"custom_tool_call_output"}]}"#,
                counts(7, 2, 2),
            ),
            (
                r#"{"prompt":{"id":"pmpt_1","type":"function_call"},"input":[{"role":"user","content":"u"}]}"#,
                counts(1, 0, 0),
            ),
            (r#"{"input":[{"role":"user","content":"u"}],"prompt":{"id":"pmpt_1","content":[]}}"#, counts(1, 0, 0)),
            // Anthropic
            (
                r#"{"system":[{"type":"plain","plain":"s"}],"messages":[{"role":"user","content":"u"},
                {"role":"assistant","content":[{"type":"plain","plain":"t"},{"type":"tool_use","id":"a","input":{"type":"tool_use","content":[{"type":"tool_use"}]}},
                {"type":"server_tool_use"}]},
                {"role":"user","content":[{"type":"tool_result","content":[{"type":"tool_result"}]},{"type":"tool_result","content":"x"}]}]}"#,
                counts(3, 1, 2),
            ),
            // Gemini, as both kinds of SDKs write it.
            (
                r#"{"contents":[{"role":"user","parts":[{"plain":"u"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"g"}}]},
                {"role":"user","parts":[{"functionResponse":{"name":"f"}},{"functionResponse":{"name":"g"}}]}],"systemInstruction":{"parts":[{"plain":"s"}]}}"#,
                counts(3, 2, 2),
            ),
            (
                r#"{"contents":[{"role":"model","parts":[{"function_call":{"name":"f"}}]},{"role":"function","parts":[{"function_response":{}},{"function_response":{}}]}]}"#,
                counts(2, 1, 2),
            ),
            (r#"{"contents":{"role":"user","parts":[{"plain":"u"}]}}"#, counts(1, 0, 0)),
            // Interactions
            (
                r#"{"model":"m","input":[{"type":"user_input","content":[{"type":"plain"}]},{"type":"function_call"},{"type":"function_result"}]}"#,
                counts(3, 1, 1),
            ),
            // Bedrock Converse
            (
                r#"{"messages":[{"role":"assistant","content":[{"plain":"t"},{"toolUse":{"toolUseId":"a","input":{}}}]},{"role":"user","content":[{"toolResult":{"content":[]}}]}]}"#,
                counts(2, 1, 1),
            ),
            // Cohere v2 and v1, Ollama
            (
                r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"a"}],"tool_plan":"p"},{"role":"tool","content":[{"type":"document"}]}]}"#,
                counts(2, 1, 1),
            ),
            (r#"{"model":"m","prompt":"p"}"#, counts(1, 0, 0)),
            (
                r#"{"messages":[{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]},{"role":"tool","content":"1"}]}"#,
                counts(2, 1, 1),
            ),
            // Completions: one plain, several, one as tokens, several as tokens.
            (r#"{"prompt":["a","b"]}"#, counts(2, 0, 0)),
            (r#"{"prompt":[1,2,3]}"#, counts(1, 0, 0)),
            (r#"{"prompt":[[1,2],[3]]}"#, counts(2, 0, 0)),
            // The last one counts.
            (r#"{"messages":[{"role":"tool"},{"role":"tool"}],"messages":[{"role":"user"}]}"#, counts(1, 0, 0)),
            (r#"{"messages":[]}"#, counts(0, 0, 0)),
            // Nothing is known of a list that is none, is not there or is not complete.
            (r#"{"messages":null}"#, None),
            (r#"{"messages":7}"#, None),
            (r#"{"model":"m"}"#, None),
            (r#"{"a":{"messages":[{"role":"user"}]}}"#, None),
            (r#"{"messages":[{"role":"user"},{"#, None),
            ("messages=1", None),
        ] {
            for size in [1, 2, 3, 7, 64, body.len()] {
                assert_eq!(scan(body.as_bytes(), size, EVERYTHING).counts, expected, "{body} in chunks of {size}");
            }
        }
    }

    #[test]
    fn model_and_stream_are_known_as_soon_as_they_have_passed() {
        let mut scanner = scanner(EVERYTHING, u64::MAX);
        assert!(scanner.push(br#"{"max_tokens":5,"model":"gpt"#).is_none());
        let facts = scanner.push(br#"-4o","stream":true,"messages":[{"role":"us"#).unwrap();
        assert_eq!((facts.model.as_deref(), facts.is_streaming, facts.counts), (Some("gpt-4o"), Some(true), None));
        assert!(scanner.push(br#"er","model":"no","stream":false,"content":"hi"}"#).is_none());
        assert_eq!(scanner.push(b"]").unwrap().counts, counts(1, 0, 0));
        assert!(!scanner.is_over());
        assert!(scanner.push(b"}").is_none());
        assert!(scanner.is_over());
    }

    #[test]
    fn without_counts_it_is_over_when_model_and_stream_are_known() {
        let mut scanner = scanner(Wanted { names: true, counts: false }, u64::MAX);
        assert!(scanner.push(br#"{"model":"m","stream":false,"messages":[{"#).is_some());
        assert!(scanner.is_over());
    }

    #[test]
    fn what_the_path_has_decided_the_body_does_not_change() {
        let facts = scan(br#"{"model":"m","stream":true,"messages":[]}"#, 9, Wanted { names: false, counts: true });
        assert_eq!((facts.model, facts.is_streaming, facts.counts), (None, None, counts(0, 0, 0)));
    }

    #[test]
    fn nothing_is_looked_at_behind_the_limit() {
        let body = br#"{"model":"m","messages":[{"role":"user"}]}"#;
        for size in [1, 5, body.len()] {
            let mut scanner = scanner(EVERYTHING, 30);
            for chunk in body.chunks(size) {
                scanner.push(chunk);
            }
            assert!(scanner.is_over());
            assert_eq!(
                (scanner.plain.facts.model.as_deref(), scanner.plain.facts.counts),
                (Some("m"), None),
                "in chunks of {size}"
            );
        }
    }

    #[test]
    fn labels_are_found_whatever_the_cuts() {
        const SOURCES: &str = "body:metadata.user_id,body:metadata.team.name,body:metadata,body:user,body:n,body:yes";
        let long = "é".repeat(40);
        for (body, expected) in [
            (
                r#"{"model":"m","metadata":{"other":{"user_id":1},"user_id":"u-1","team":{"id":7,"name":"b\u006cue"}},"user":"me","n":-1.5e3,"yes":true}"#,
                "metadata.user_id=u-1 metadata.team.name=blue user=me n=-1.5e3 yes=true",
            ),
            (
                r#"{"metadata":"all of it","messages":[{"role":"user","metadata":{"user_id":"no"},"user":"no"}]}"#,
                "metadata=all of it",
            ),
            (r#"{"metadata":{"user_id":null,"team":"red"},"user":["a"],"yes":{}}"#, ""),
            (r#"{"metadata":[{"user_id":"no"}],"user":"a","user":"b","user":null}"#, "user=b"),
            (r#"{"user":"line\none\u001b[31m"}"#, "user=line\u{fffd}one\u{fffd}[31m"),
            (&format!(r#"{{"user":"{long}","n":"{long}"}}"#), &format!("user={0} n={0}", "é".repeat(32))),
            (&format!(r#"{{"user":"{}"}}"#, "\\u00e9".repeat(3000)), &format!("user={}", "é".repeat(32))),
            (r#"["user"]"#, ""),
        ] {
            for size in [1, 2, 3, 7, 64, body.len()] {
                let mut scanner = labelled(SOURCES, EVERYTHING, u64::MAX);
                body.as_bytes().chunks(size).for_each(|chunk| _ = scanner.push(chunk));
                let found: Vec<_> =
                    scanner.plain.facts.labels.found().map(|(name, value)| format!("{name}={value}")).collect();
                assert_eq!(found.join(" "), expected, "{body} in chunks of {size}");
            }
        }
    }

    #[test]
    fn labels_alone_are_read_for_until_all_are_found() {
        let mut scanner = labelled("body:user,body:a.b", Wanted { names: false, counts: false }, u64::MAX);
        assert!(scanner.push(br#"{"model":"m","user":"u","messages":[{}],"#).is_some());
        assert!(!scanner.is_over());
        assert!(scanner.push(br#""a":{"b":1}"#).is_some());
        assert!(scanner.is_over());
    }

    #[test]
    fn empty_or_odd_names_are_no_models() {
        for body in [r#"{"model":""}"#, r#"{"model":null}"#, r#"{"model":["m"]}"#, r#"{"model":{"model":"m"}}"#] {
            assert_eq!(scan(body.as_bytes(), 4, EVERYTHING).model, None, "{body}");
        }
    }

    /// Reads every request of the recordings.
    #[test]
    #[ignore = "recordings are not part of the project: `make test` runs this where ACTIVE_REQUESTS_RECORDINGS names them"]
    fn recorded_requests_are_read_as_their_manifest_says() {
        let recordings =
            std::env::var_os("ACTIVE_REQUESTS_RECORDINGS").expect("ACTIVE_REQUESTS_RECORDINGS names a directory");
        let recordings = Path::new(&recordings);
        let manifest = fs::read_to_string(recordings.join("manifest.jsonl")).unwrap();
        let mut checked = 0;
        for line in manifest.lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            let (Some(file), request) = (entry["request_file"].as_str(), &entry["request"]) else { continue };
            let body = fs::read(recordings.join(file)).unwrap();
            let url = entry["api_path"].as_str().unwrap_or_default();
            let path = of_path(url.split('?').next().unwrap_or_default());
            for size in [1, 7, 1000, body.len()] {
                let facts = scan(&body, size, EVERYTHING);
                if let Some(model) = request["model"].as_str() {
                    assert_eq!(
                        path.model.as_deref().filter(|_| path.decided).or(facts.model.as_deref()),
                        Some(model),
                        "{file}"
                    );
                }
                if let Some(stream) = request["stream"].as_bool() {
                    assert_eq!(
                        path.is_streaming.filter(|_| path.decided).or(facts.is_streaming),
                        Some(stream),
                        "{file}"
                    );
                }
                let number = |name: &str| request[name].as_u64().map(|count| u32::try_from(count).unwrap());
                let expected = number("message_count").map(|messages| MessageCounts {
                    messages,
                    tool_uses: number("tool_use_count").unwrap(),
                    tool_results: number("tool_result_count").unwrap(),
                });
                assert_eq!(facts.counts, expected, "{file} in chunks of {size}");
            }
            checked += 1;
        }
        assert!(checked > 0, "the manifest names no request");
    }
}
