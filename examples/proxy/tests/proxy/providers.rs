//! Providers and aliases, as the environment and the file name them.

use active_requests_proxy::{
    config::{models::Models, providers},
    upstream::provider::Endpoint,
};

use crate::support::{TempFile, sources};

#[test]
fn a_provider_exists_when_its_key_or_its_base_is_set() {
    let names = |env: &[(&str, &str)]| {
        let providers = providers::configured(&sources(&[], env).unwrap()).map_err(|wrong| wrong.to_string())?;
        Ok::<_, String>(providers.into_iter().map(|provider| provider.name).collect::<Vec<_>>())
    };
    let known = ["openai", "anthropic", "openrouter", "poe", "gemini", "ollama", "mistral", "groq", "deepseek"];
    for name in known {
        let key = format!("{}_API_KEY", name.to_uppercase());
        assert_eq!(names(&[(&key, "k")]).unwrap(), [name]);
    }
    assert_eq!(names(&[("MINE_BASE_URL", "https://mine.example/v1")]).unwrap(), ["mine"]);
    assert!(names(&[("MINE_API_KEY", "k")]).unwrap().is_empty(), "nobody knows where it is");
    assert!(names(&[("PROXY_API_KEY", "k"), ("OPENAI_API_FORMAT", "openai")]).unwrap().is_empty());
    for (name, url, told) in [
        ("V1", "http://x", "/v1/ is a route of the proxy itself"),
        ("METRICS", "http://x", "/metrics/"),
        ("DASHBOARD", "http://x", "/dashboard/"),
        ("HEALTH", "http://x", "/health/"),
        ("X", "ftp://x", "X_BASE_URL=\"ftp://x\" is not understood"),
        ("X", "/v1", "X_BASE_URL"),
        ("X", "http://user:pw@x/", "X_BASE_URL"),
        ("X", "http://x/?y", "X_BASE_URL"),
        ("X", "http://x/#f", "X_BASE_URL=\"http://x/#f\""),
        ("X", "http://x:99999/v1", "X_BASE_URL"),
        ("X", "http://x:0/v1", "X_BASE_URL"),
        ("X", "http://x:/v1", "X_BASE_URL"),
        ("X", "http://[::1]:0", "X_BASE_URL"),
    ] {
        let (base, key) = (format!("{name}_BASE_URL"), format!("{name}_API_KEY"));
        let wrong = names(&[(&base, url), (&key, "k")]).unwrap_err();
        assert!(wrong.contains(told), "{wrong}");
        // Alone it may be another program's.
        assert!(names(&[(&base, url)]).unwrap().is_empty(), "{url}");
    }
    assert_eq!(names(&[("X_BASE_URL", "http://[::1]:8080/v1")]).unwrap(), ["x"]);
    let wrong = names(&[("X_BASE_URL", "http://x"), ("X_API_KEY", "k"), ("X_API_FORMAT", "gemini")]).unwrap_err();
    assert_eq!(wrong, "X_API_FORMAT=\"gemini\" is not understood: allowed are openai and anthropic");
    let wrong = names(&[("OPENAI_API_KEY", "sk-se\ncret")]).unwrap_err();
    assert!(!wrong.contains("cret"), "{wrong}");
}

#[test]
fn another_programs_variables_do_not_stop_the_start() {
    for env in [
        ("NEXT_PUBLIC_BASE_URL", "/app"),
        ("METRICS_BASE_URL", "http://metrics.example"),
        ("HEALTH_API_KEY", "k"),
        ("GITHUB_API_KEY", "k"),
        ("BROKEN_API_KEY", " "),
        ("HTTP_API_FORMAT", "xml"),
        ("BASH_ALIAS_LS", "ls -l"),
        ("RAILS_BASE_URL", "mailto:somebody"),
    ] {
        let sources = sources(&[], &[env, ("OPENAI_API_KEY", "k")]).unwrap();
        let providers = providers::configured(&sources).unwrap();
        assert_eq!(providers.len(), 1, "{env:?}");
        Models::new(providers, &sources).unwrap();
    }
}

#[test]
fn a_setting_of_no_provider_stops_the_start_where_it_is_certainly_meant() {
    let wrong = |args: &[&str], env: &[(&str, &str)]| {
        let sources = sources(args, &[&[("MISTRAL_API_KEY", "k")], env].concat()).unwrap();
        let models = providers::configured(&sources).and_then(|providers| Models::new(providers, &sources));
        models.unwrap_err().to_string()
    };
    for (env, told) in [
        (("MISTRALL_API_FORMAT", "openai"), "MISTRALL_API_FORMAT is about no provider: the nearest one is mistral"),
        (("MISTARL_ALIAS_X", "y"), "MISTARL_ALIAS_X is about no provider: the nearest one is mistral"),
        (("MISTRAL_ALIAS_", "y"), "MISTRAL_ALIAS_ is no alias: allowed are a name and a model"),
    ] {
        assert!(wrong(&[], &[env]).starts_with(told), "{env:?}");
    }
    for (text, told) in [
        ("[providers.w]\napi_format = \"openai\"", "[providers.w] is no provider: set its base_url"),
        ("[providers.w]\napi_key = \"k\"", "[providers.w] is no provider: set its base_url"),
        ("[providers.w.aliases]\na = \"b\"", "[providers.w] is no provider: set its base_url"),
        ("[providers.v1]\nbase_url = \"http://x\"", "V1_API_KEY or V1_BASE_URL makes"),
        ("[providers.w]\nbase_url = \"x\"", "W_BASE_URL=\"x\" is not understood"),
        ("[aliases]\nx = \" \"", "[aliases] x is no alias"),
        ("[providers.mistral.aliases]\nx = \"\"", "[providers.mistral.aliases] x is no alias"),
    ] {
        let file = TempFile::with(text);
        let wrong = wrong(&[&file.flag("config")], &[]);
        assert!(wrong.starts_with(told), "{wrong}");
    }
}

#[test]
fn a_default_provider_must_be_there() {
    let sources = sources(&[], &[("OPENAI_API_KEY", "k"), ("VDM_DEFAULT_PROVIDER", "nope")]).unwrap();
    let wrong = Models::new(providers::configured(&sources).unwrap(), &sources).unwrap_err().to_string();
    assert_eq!(wrong, "VDM_DEFAULT_PROVIDER=\"nope\" is not understood: allowed are the configured ones: openai");
}

#[test]
fn the_file_names_providers_and_aliases_too() {
    let file = TempFile::with(
        "default_provider = \"mine\"\n\
         [providers.mine]\nbase_url = \"http://mine.example\"\napi_key = \"file-key\"\n\
         [providers.mine.aliases]\nquick = \"tiny\"\n\
         [providers.anthropic]\napi_key = \"k\"\n\
         [aliases]\n\"best\" = \"anthropic:claude-opus-4\"\n",
    );
    let sources = sources(&[&file.flag("config")], &[("MINE_BASE_URL", "http://env.example")]).unwrap();
    let providers = providers::configured(&sources).unwrap();
    let mine = providers.iter().find(|provider| provider.name == "mine").unwrap();
    assert_eq!(mine.native.origin(), "http://env.example/");
    let models = Models::new(providers, &sources).unwrap();
    assert_eq!(models.resolve("quick").unwrap().model, "tiny");
    let best = models.resolve("Best").unwrap();
    assert_eq!((models.providers[best.provider].name.as_str(), best.model.as_str()), ("anthropic", "claude-opus-4"));
}

#[test]
fn gemini_and_ollama_have_their_own_api_elsewhere() {
    let sources = sources(&[], &[("GEMINI_API_KEY", "k"), ("OLLAMA_API_KEY", "k")]).unwrap();
    let providers = providers::configured(&sources).unwrap();
    let address = |of: &Endpoint| format!("{}{}", of.host().to_str().unwrap(), of.path("/x").unwrap());
    let google = "generativelanguage.googleapis.com";
    assert_eq!(address(&providers[0].native), format!("{google}/x"));
    assert_eq!(address(providers[0].openai.as_ref().unwrap()), format!("{google}/v1beta/openai/x"));
    assert_eq!(address(&providers[1].native), "localhost:11434/x");
    assert_eq!(address(providers[1].openai.as_ref().unwrap()), "localhost:11434/v1/x");
    assert_eq!(providers[0].native.key().unwrap().0, "x-goog-api-key");
    assert_eq!(providers[0].openai.as_ref().unwrap().key().unwrap().0, "authorization");
}
