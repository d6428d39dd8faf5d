//! Which provider, which address and which model a request goes out with.

use active_requests_proxy::config::{
    models::{Models, UnresolvedModel},
    providers,
};
use serde_json::json;

use crate::support::{Mock, Running, ok, sources};

fn models(env: &[(&str, &str)]) -> Models {
    let sources = sources(&[], env).unwrap();
    Models::new(providers::configured(&sources).unwrap(), &sources).unwrap()
}

const TWO: [(&str, &str); 8] = [
    ("OPENAI_API_KEY", "k"),
    ("ANTHROPIC_API_KEY", "k"),
    ("VDM_DEFAULT_PROVIDER", "openai"),
    ("OPENAI_ALIAS_FAST", "gpt-4o-mini"),
    ("OPENAI_ALIAS_CLEVER", "anthropic:wise"),
    ("ANTHROPIC_ALIAS_WISE", "claude-opus-4"),
    ("OPENAI_ALIAS_FREE", "kat:free"),
    ("OPENAI_ALIAS_PLAIN", "!fast"),
];

#[test]
fn a_model_leads_to_a_provider_and_a_name() {
    let models = models(&TWO);
    for (requested, provider, name) in [
        ("gpt-4o", "openai", "gpt-4o"),
        ("openai:gpt-4o", "openai", "gpt-4o"),
        ("OpenAI:gpt-4o", "openai", "gpt-4o"),
        ("anthropic:claude", "anthropic", "claude"),
        ("llama3:8b", "openai", "llama3:8b"),
        ("groq:llama3", "openai", "groq:llama3"),
        ("openai:kat:free", "openai", "kat:free"),
        ("anthropic/claude-3-5-sonnet:context-flash", "openai", "anthropic/claude-3-5-sonnet:context-flash"),
        (":x", "openai", ":x"),
        ("fast", "openai", "gpt-4o-mini"),
        ("FAST", "openai", "gpt-4o-mini"),
        ("openai:Fast", "openai", "gpt-4o-mini"),
        ("faster", "openai", "faster"),
        ("anthropic:fast", "anthropic", "fast"),
        ("clever", "anthropic", "claude-opus-4"),
        ("wise", "openai", "wise"),
        ("free", "openai", "kat:free"),
        ("plain", "openai", "fast"),
        ("!fast", "openai", "fast"),
        ("openai:!fast", "openai", "fast"),
        ("!openai:fast", "openai", "fast"),
        ("!clever", "openai", "clever"),
    ] {
        let to = models.resolve(requested).unwrap();
        assert_eq!((models.providers[to.provider].name.as_str(), to.model.as_str()), (provider, name), "{requested}");
    }
}

#[test]
fn the_only_provider_is_the_default_one() {
    assert_eq!(models(&[("GROQ_API_KEY", "k")]).resolve("m").unwrap().provider, 0);
    let two = models(&[("GROQ_API_KEY", "k"), ("POE_API_KEY", "k")]);
    assert_eq!(two.resolve("m"), Err(UnresolvedModel::NoDefault));
    assert_eq!(two.providers[two.resolve("poe:m").unwrap().provider].name, "poe");
}

#[test]
fn ten_aliases_may_follow_each_other_and_no_more() {
    let chain = |n: usize| {
        let mut env = vec![("X_BASE_URL".to_owned(), "http://x".to_owned())];
        env.extend((0..n).map(|i| (format!("X_ALIAS_A{i}"), format!("a{}", i + 1))));
        let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let sources = sources(&[], &env).unwrap();
        Models::new(providers::configured(&sources).unwrap(), &sources)
    };
    assert_eq!(chain(10).unwrap().resolve("a0").unwrap().model, "a10");
    assert!(chain(11).unwrap_err().to_string().contains("\"x:a0\""));
}

#[test]
fn aliases_that_run_in_a_circle_stop_the_start() {
    let sources = sources(&[], &[("X_BASE_URL", "http://x"), ("X_ALIAS_A", "b"), ("X_ALIAS_B", "x:a")]).unwrap();
    let wrong = Models::new(providers::configured(&sources).unwrap(), &sources).unwrap_err().to_string();
    assert!(wrong.contains("alias") && wrong.contains("circle"), "{wrong}");
}

#[tokio::test]
async fn each_route_goes_to_its_place_below_the_base() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(
        &[],
        &[
            ("OAI_BASE_URL", &mock.url("/base/v1")),
            ("CLD_BASE_URL", &mock.url("/cld/")),
            ("CLD_API_FORMAT", "anthropic"),
            ("BARE_BASE_URL", &mock.url("")),
            ("VDM_DEFAULT_PROVIDER", "oai"),
        ],
    )
    .await;
    for (method, path, model, target) in [
        ("POST", "/v1/chat/completions", "m", "/base/v1/chat/completions"),
        ("POST", "/v1/completions", "oai:m", "/base/v1/completions"),
        ("POST", "/v1/responses?include=x%2Fy", "m", "/base/v1/responses?include=x%2Fy"),
        ("POST", "/v1/embeddings", "m", "/base/v1/embeddings"),
        ("POST", "/v1/messages", "cld:m", "/cld/v1/messages"),
        ("POST", "/v1/messages/count_tokens?beta=true", "cld:m", "/cld/v1/messages/count_tokens?beta=true"),
        ("GET", "/v1/models", "", "/base/v1/models"),
        ("GET", "/v1/models?provider=cld", "", "/cld/v1/models"),
        ("GET", "/v1/models?limit=5&provider=cld", "", "/cld/v1/models?limit=5"),
        ("POST", "/oai/chat/completions", "m", "/base/v1/chat/completions"),
        ("DELETE", "/oai/files/a%2Fb?x=%20", "", "/base/v1/files/a%2Fb?x=%20"),
        ("PUT", "/OAI/x", "", "/base/v1/x"),
        ("GET", "/bare", "", "/"),
        ("GET", "/bare/", "", "/"),
        ("GET", "/bare?q", "", "/?q"),
        ("POST", "/bare/models/g:streamGenerateContent?alt=sse", "m", "/models/g:streamGenerateContent?alt=sse"),
        ("GET", "/bare//x/./y..z/...", "", "//x/./y..z/..."),
    ] {
        let body = if model.is_empty() { String::new() } else { json!({"model": model}).to_string() };
        let request = format!("{method} {path} HTTP/1.1\r\nhost: p\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let answer = ok("{}");
        let (answer, asked) = tokio::join!(proxy.ask(&request), mock.serve(answer.as_bytes()));
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(asked.head.lines().next(), Some(format!("{method} {target} HTTP/1.1").as_str()), "{path}");
        assert_eq!(asked.header("host"), Some(mock.address.to_string().as_str()), "{path}");
    }
}

/// RFC 3986, section 5.2.4: whoever resolves the path would leave the provider's base.
#[tokio::test]
async fn a_path_that_climbs_is_refused() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for path in ["/mock/../x", "/mock/..", "/mock/a/%2e%2E/x", "/mock/.%2e/x", "/mock/..;a=b/x", "/mock/a%2f..%5Cx"] {
        let answer = proxy.ask(&format!("GET {path} HTTP/1.1\r\nhost: p\r\n\r\n")).await;
        assert_eq!(answer.status(), 400, "{path}");
    }
    assert!(mock.is_idle());
}

#[tokio::test]
async fn the_row_shows_what_was_asked_for_and_what_it_became() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&[], &[("MOCK_BASE_URL", &mock.url("")), ("MOCK_ALIAS_FAST", "gpt-4o-mini")]).await;
    for (requested, model, resolved) in
        [("mock:fast", "fast", "gpt-4o-mini"), ("mock:gpt-4o", "gpt-4o", ""), ("other:x", "other:x", "")]
    {
        let answer = ok("{}");
        let body = json!({"model": requested}).to_string();
        tokio::join!(proxy.post("/v1/chat/completions", &body), mock.serve(answer.as_bytes()));
        proxy.quiet().await;
        let trace = serde_json::to_value(&proxy.tracker.recent_traces(1)[0]).unwrap();
        assert_eq!(trace["provider"], "mock", "{requested}");
        assert_eq!(trace["requested_model"], requested);
        assert_eq!(trace["resolved_model"], resolved, "{requested}");
        assert_eq!(trace["model"], if resolved.is_empty() { model } else { trace["model"].as_str().unwrap() });
    }
}
