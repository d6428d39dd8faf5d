//! Settings, and the errors of wrong ones.

use std::{net::SocketAddr, time::Duration};

use active_requests::{
    config::Secret,
    tracker::{RequestInfo, RequestTracker},
    usage::Usage,
};
use active_requests_proxy::{
    Proxy,
    config::{models::Models, providers, settings::Settings, sources::Sources, values::DemoMode},
    prices,
};

use crate::support::{TempFile, sources};

fn read(args: &[&str], env: &[(&str, &str)]) -> Result<Settings, String> {
    sources(args, env).and_then(|sources| Settings::read(&sources)).map_err(|wrong| wrong.to_string())
}

#[test]
fn nothing_set_gives_the_defaults() {
    let settings = read(&[], &[]).unwrap();
    assert_eq!(settings.listen(), SocketAddr::from(([127, 0, 0, 1], 8082)));
    assert_eq!(settings.timeouts.head, Duration::from_secs(90));
    assert_eq!(settings.timeouts.connect, Duration::from_secs(30));
    assert_eq!(settings.timeouts.read, None);
    assert_eq!(settings.max_body.0, 32 * 1024 * 1024);
    assert_eq!(settings.grace, Duration::from_secs(30));
    assert_eq!(settings.demo, DemoMode::Quiet);
    assert!(!settings.inject_usage && settings.key.is_none());
    assert!(settings.tracker.enabled && settings.monitor.stream_enabled);
    assert_eq!(settings.threads.0, 1);
}

#[test]
fn flags_count_before_the_environment_and_that_before_the_file() {
    let file = TempFile::with(
        "port = 1\nrequest_timeout = 1.5\ngrace = 5\n[monitor]\nsse_interval = 0.5\nmax_subscribers = 3\n",
    );
    let settings = read(
        &[&file.flag("config"), "--port", "3"],
        &[("PORT", "2"), ("REQUEST_TIMEOUT", "2.5"), ("VDM_ACTIVE_REQUESTS_MAX_SUBSCRIBERS", "4")],
    )
    .unwrap();
    assert_eq!(settings.port, 3);
    assert_eq!(settings.timeouts.head, Duration::from_millis(2500));
    assert_eq!(settings.grace, Duration::from_secs(5));
    assert_eq!(settings.monitor.interval, Duration::from_millis(500));
    assert_eq!(settings.monitor.max_subscribers, 4);
}

#[test]
fn a_blank_value_of_any_setting_stops_the_start() {
    for setting in Settings::descriptions() {
        for blank in ["", " ", "\t"] {
            let wrong = read(&[], &[(setting.name, blank)]).err();
            let wrong = wrong.unwrap_or_else(|| panic!("{}={blank:?} counts", setting.name));
            assert!(wrong.contains(setting.name) && wrong.contains("allowed"), "{wrong}");
            let table = if setting.table.is_empty() { String::new() } else { format!("[{}]\n", setting.table) };
            let file = TempFile::with(&format!("{table}{} = {blank:?}\n", setting.key()));
            assert!(read(&[&file.flag("config")], &[]).is_err(), "{table}{} = {blank:?} counts", setting.key());
        }
    }
    for (args, env) in [(&[][..], &[("PROXY_CONFIG", " ")][..]), (&["--config="], &[])] {
        let wrong = read(args, env).unwrap_err();
        assert!(wrong.contains("PROXY_CONFIG") && wrong.contains("allowed"), "{wrong}");
    }
}

#[test]
fn an_empty_variable_of_a_provider_is_not_set_and_a_blank_one_stops_the_start() {
    let configured = |name: &str, text: &str| {
        let sources = sources(&[], &[("GROQ_API_KEY", "sk-1"), (name, text)])?;
        Models::new(providers::configured(&sources)?, &sources)
    };
    for name in ["OPENAI_API_KEY", "GROQ_BASE_URL", "GROQ_API_FORMAT", "GROQ_ALIAS_X"] {
        assert!(configured(name, "").is_ok(), "{name}");
        let wrong = configured(name, "  ").err().unwrap_or_else(|| panic!("a blank {name} counts")).to_string();
        assert!(wrong.contains(name), "{wrong}");
    }
}

#[test]
fn listen_is_host_and_port_in_one() {
    for (listen, address) in [("127.0.0.2:9", "127.0.0.2:9"), ("[::1]:9", "[::1]:9"), ("localhost:9", "127.0.0.1:9")] {
        assert_eq!(read(&["--listen", listen], &[]).unwrap().listen().to_string(), address);
    }
}

#[test]
fn a_wrong_value_stops_the_start_and_says_what_is_allowed() {
    for (args, env, told) in [
        (&["--port", "70000"][..], &[][..], "PORT=\"70000\" is not understood: allowed is a number from 0 to 65535"),
        (
            &[],
            &[("HOST", "everywhere")],
            "HOST=\"everywhere\" is not understood: allowed is an IP address or localhost",
        ),
        (&[], &[("REQUEST_TIMEOUT", "-1")], "REQUEST_TIMEOUT=\"-1\""),
        (&[], &[("STREAMING_READ_TIMEOUT_SECONDS", "0")], "STREAMING_READ_TIMEOUT_SECONDS=\"0\""),
        (
            &[],
            &[("VDM_INJECT_USAGE", "maybe")],
            "VDM_INJECT_USAGE=\"maybe\" is not understood: allowed are true, false",
        ),
        (&[], &[("VDM_ACTIVE_REQUESTS_SSE_INTERVAL", "fast")], "VDM_ACTIVE_REQUESTS_SSE_INTERVAL=\"fast\""),
        (
            &[],
            &[("VDM_ACTIVE_REQUESTS_STALL", "10")],
            "VDM_ACTIVE_REQUESTS_STALL is not a setting: the nearest one is VDM_ACTIVE_REQUESTS_STALL_AFTER",
        ),
        (&[], &[("LOG_SUMMARY_INTERVAL", "often")], "LOG_SUMMARY_INTERVAL=\"often\""),
        (
            &["--demo=loud"],
            &[],
            "PROXY_DEMO=\"loud\" is not understood: allowed are always, unconfigured, quiet, never",
        ),
        (&["--no-such-flag"], &[], "--no-such-flag"),
        (&["--config", "/no/such/file.toml"], &[], "--config /no/such/file.toml"),
        (&["--listen", "8082"], &[], "--listen=\"8082\""),
        (&["--listen", ":8340"], &[], "--listen=\":8340\""),
        (&[], &[("PROXY_OPEN", "perhaps")], "PROXY_OPEN=\"perhaps\" is not understood: allowed are true, false"),
        (&[], &[("PROXY_MAX_BODY", "0")], "PROXY_MAX_BODY=\"0\" is not understood: allowed is a whole number of bytes"),
        (
            &[],
            &[("PROXY_THREADS", "100000")],
            "PROXY_THREADS=\"100000\" is not understood: allowed is a whole number from",
        ),
        (&[], &[("VDM_ACTIVE_REQUESTS_CORS_ORIGINS", "https://*.example")], "VDM_ACTIVE_REQUESTS_CORS_ORIGINS="),
        (&[], &[("PROXY_CONFIG", "/no/such/file.toml")], "--config /no/such/file.toml"),
    ] {
        let wrong = read(args, env).unwrap_err();
        assert!(wrong.contains(told), "{wrong}");
    }
}

#[test]
fn a_name_that_nearly_is_a_setting_stops_the_start() {
    for (name, nearest) in [
        ("PROXY_APIKEY", Some("PROXY_API_KEY")),
        ("PROXY_API_KEYS", Some("PROXY_API_KEY")),
        ("VDM_DEFUALT_PROVIDER", Some("VDM_DEFAULT_PROVIDER")),
        ("VDM_SOMETHING_ELSE", None),
        ("PROXY_URL_OF_ANOTHER_PROGRAM", None),
        ("POST", None),
    ] {
        let expected = nearest.map(|nearest| format!("{name} is not a setting: the nearest one is {nearest}"));
        assert_eq!(read(&[], &[(name, "x")]).err(), expected, "{name}");
    }
}

#[test]
fn a_key_that_is_set_but_cannot_count_stops_the_start() {
    for text in ["", "  ", "sk-hid\nden", "sk-h\u{ef}dden"] {
        let wrong = read(&[], &[("PROXY_API_KEY", text)]).unwrap_err();
        assert_eq!(wrong, "PROXY_API_KEY is not understood: allowed is one line of ASCII text that is not blank");
        let file = TempFile::with(&format!("proxy_api_key = {text:?}\n"));
        assert!(read(&[&file.flag("config"), "--host=0.0.0.0"], &[]).is_err(), "{text:?}");
    }
    for (text, told) in [
        ("  ", "OPENAI_API_KEY is not understood: allowed is one line"),
        ("sk-hid\nden", "OPENAI_API_KEY is not understood: allowed is one line"),
        ("!passthru", "OPENAI_API_KEY is not understood: allowed are a key and !PASSTHRU"),
        ("!PASSTHROUGH", "OPENAI_API_KEY is not understood: allowed are a key and !PASSTHRU"),
    ] {
        let wrong = providers::configured(&sources(&[], &[("OPENAI_API_KEY", text)]).unwrap()).unwrap_err().to_string();
        assert!(wrong.starts_with(told) && !wrong.contains("sk-"), "{wrong}");
    }
    let passthrough = sources(&[], &[("OPENAI_API_KEY", " !PASSTHRU ")]).unwrap();
    assert!(providers::configured(&passthrough).unwrap()[0].passthrough);
}

#[cfg(unix)]
#[test]
fn text_that_is_no_utf_8_stops_the_start_where_it_is_a_setting() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    let collect = |name: &str| {
        let env = [(OsString::from(name), OsString::from_vec(b"s\xe9same".to_vec()))];
        let sources = Sources::collect(&Settings::descriptions(), [OsString::from("proxy")], env)?;
        Settings::read(&sources).and_then(|_| providers::configured(&sources)).map(drop)
    };
    for name in ["PROXY_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PORT"] {
        assert_eq!(collect(name).unwrap_err().to_string(), format!("{name} is no UTF-8 text"));
    }
    for name in ["OF_ANOTHER_PROGRAM", "ANOTHER_API_KEY", "ANOTHER_BASE_URL", "ANOTHER_ALIAS_X"] {
        assert!(collect(name).is_ok(), "{name}");
    }
}

#[tokio::test]
async fn nothing_that_holds_a_key_prints_it() {
    let file = TempFile::with("[providers.mine]\nbase_url = \"http://mine.example\"\napi_key = \"sk-hidden-1\"\n");
    let env = [("PROXY_API_KEY", "sk-hidden-2"), ("OPENAI_API_KEY", "sk-hidden-3"), ("OTHER_SECRET", "sk-hidden-4")];
    let sources = sources(&[&file.flag("config"), "--port=0", "--demo"], &env).unwrap();
    let settings = Settings::read(&sources).unwrap();
    let providers = providers::configured(&sources).unwrap();
    let models = Models::new(providers.clone(), &sources).unwrap();
    let printed = format!("{sources:?} {settings:?} {providers:?} {models:?}");
    let proxy = Proxy::start(settings, &sources).await.unwrap();
    let printed = format!("{printed} {proxy:?}");
    assert!(printed.contains("Secret(..)") && printed.contains("mine.example"), "{printed}");
    assert!(!printed.contains("hidden"), "{printed}");
}

#[test]
fn every_setting_has_a_variable_a_key_in_the_file_and_unless_it_is_secret_a_flag() {
    let keys = TempFile::with("a-key\n");
    let path = keys.path();
    for setting in Settings::descriptions() {
        let value = match setting.default.as_str() {
            "" if setting.placeholder == "SECONDS" => "7",
            "" if setting.placeholder == "FILE" => path,
            "" if setting.placeholder.starts_with("key|") => "key",
            "" if setting.placeholder == "HOSTS" => "proxy.example",
            "" if setting.placeholder == "URL" => "nats://nats.example:4222",
            "" => "given",
            default => default,
        };
        let file = match setting.table {
            "" => format!("{} = \"{value}\"", setting.key()),
            table => format!("[{table}]\n{} = \"{value}\"", setting.key()),
        };
        let file = TempFile::with(&file);
        let mut ways = vec![sources(&[], &[(setting.name, value)]), sources(&[&file.flag("config")], &[])];
        if !setting.is_secret {
            ways.push(sources(&[&format!("--{}={value}", setting.flag)], &[]));
        }
        for sources in ways {
            let sources = sources.unwrap();
            assert_eq!(sources.get(setting.name).as_deref(), Some(value), "{}", setting.name);
            Settings::read(&sources).unwrap();
        }
    }
}

#[test]
fn a_name_in_the_file_that_means_nothing_stops_the_start() {
    for (text, told) in [
        ("prot = 1", "prot is not a setting: the nearest one is port"),
        ("[monitor]\ninterval = 1", "[monitor] interval is not a setting: the nearest one is sse_interval"),
        ("[montior]", "montior is not a setting: the nearest one is monitor"),
        ("[providers.u]\napi_kez = \"k\"", "[providers.u] api_kez is not a setting: the nearest one is api_key"),
        ("[providers.u]\naliases = \"x\"", "[providers.u] aliases must be a table"),
        ("[providers]\nu = \"x\"", "[providers] u must be a table"),
        ("[aliases]\nx = [1]", "[aliases] x must be a text"),
        ("port = [1]", "port must be a text, a number, true or false"),
        ("[providers.u]\napi_key = \"sk-hidden\nport = 1", "line 2: "),
        ("port = ", "--config"),
    ] {
        let file = TempFile::with(text);
        let wrong = read(&[&file.flag("config")], &[]).unwrap_err();
        assert!(wrong.contains(told) && !wrong.contains("sk-"), "{wrong}");
    }
}

#[test]
fn another_address_than_loopback_needs_a_key_or_a_word() {
    let wrong = read(&["--host=0.0.0.0"], &[]).unwrap_err();
    assert!(wrong.contains("PROXY_API_KEY") && wrong.contains("--open"), "{wrong}");
    assert!(read(&["--host=0.0.0.0"], &[("PROXY_API_KEY", "k")]).is_ok());
    assert!(read(&["--host=0.0.0.0", "--open"], &[]).is_ok());
    assert!(read(&["--host=::1"], &[]).is_ok());
}

#[test]
fn the_file_can_be_named_by_a_variable() {
    let file = TempFile::with("port = 7\n");
    assert_eq!(read(&[], &[("PROXY_CONFIG", file.path())]).unwrap().port, 7);
    let other = TempFile::with("port = 8\n");
    assert_eq!(read(&[&other.flag("config")], &[("PROXY_CONFIG", file.path())]).unwrap().port, 8);
}

#[test]
fn the_simulated_provider_steps_back_where_there_is_a_real_one() {
    let real = providers::configured(&sources(&[], &[("OPENAI_API_KEY", "k")]).unwrap()).unwrap();
    for (args, alone, beside) in [
        (&[][..], (true, false), (false, false)),
        (&["--demo=never"], (false, false), (false, false)),
        (&["--demo"], (true, true), (true, true)),
        (&["--demo=unconfigured"], (true, true), (false, false)),
    ] {
        let settings = read(args, &[]).unwrap();
        assert_eq!(settings.demo_beside(&[]), alone, "{args:?}");
        assert_eq!(settings.demo_beside(&real), beside, "{args:?}");
    }
}

#[test]
fn a_file_of_authorities_holds_certificates() {
    let authorities = |flag: &str| read(&[flag], &[]).unwrap().authorities().map_err(|error| error.to_string());
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let file = TempFile::with(text);
        let wrong = authorities(&file.flag("ca-file")).unwrap_err();
        assert!(wrong.starts_with("PROXY_CA_FILE=\""), "{wrong}");
    }
    assert!(authorities("--ca-file=/nowhere.pem").unwrap_err().starts_with("PROXY_CA_FILE=\"/nowhere.pem\": "));
}

#[test]
fn keys_of_the_monitors_rights_come_from_the_environment_or_a_file_and_not_from_flags() {
    let keys = TempFile::with("sk-3\nsk-4\n");
    let env = [("VDM_ACTIVE_REQUESTS_VIEW_KEYS", "sk-1, sk-2"), ("VDM_ACTIVE_REQUESTS_OPERATE_KEYS_FILE", keys.path())];
    let settings = read(&[], &env).unwrap();
    let exposed = |keys: &[Secret]| keys.iter().map(|key| key.expose().to_owned()).collect::<Vec<_>>();
    assert_eq!(exposed(&settings.monitor.view_keys), ["sk-1", "sk-2"]);
    assert_eq!(exposed(settings.monitor.operate_keys_file.keys()), ["sk-3", "sk-4"]);
    assert!(read(&["--view-keys=sk-1"], &[]).is_err());
    for (name, value) in [
        ("VDM_ACTIVE_REQUESTS_VIEW_KEYS", ""),
        ("VDM_ACTIVE_REQUESTS_SCRAPE_KEYS", "sk-hidden,"),
        ("VDM_ACTIVE_REQUESTS_OPERATE_KEYS", "sk-hid\nden"),
        ("VDM_ACTIVE_REQUESTS_VIEW_KEYS_FILE", "/no/such/file"),
    ] {
        let wrong = read(&[], &[(name, value)]).unwrap_err();
        assert!(wrong.starts_with(name) && !wrong.contains("hid"), "{wrong}");
    }
}

#[tokio::test]
async fn prices_are_read_from_a_file_and_a_bad_one_keeps_those_before() {
    let litellm = r#"{"m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "mode": "chat"}}"#;
    let own = "[models.m]\ninput = 1\noutput = 2\n";
    for text in [litellm, own] {
        let file = TempFile::with(text);
        let path = file.path();
        assert_eq!(prices::read(path).unwrap().len(), 1, "{text}");
        let tracker = RequestTracker::default();
        prices::reload(path, &tracker);
        let cost = || tracker.snapshot()[0].cost_usd.map(|cost| cost.to_string());
        let request = tracker.start(&http::Method::POST, "/", &RequestInfo::new().model("m")).unwrap();
        let mut usage = Usage::default();
        usage.output_tokens = 5;
        request.handle().set_usage(usage);
        assert_eq!(cost().as_deref(), Some("0.00001"));
        for bad in ["", "{", "[models.m]\ninput = -1\noutput = 2\n", "{}"] {
            std::fs::write(path, bad).unwrap();
            let wrong = prices::read(path).unwrap_err().to_string();
            assert!(wrong.starts_with(&format!("VDM_PRICES_FILE={path:?}: ")), "{wrong}");
            prices::reload(path, &tracker);
            assert_eq!(cost().as_deref(), Some("0.00001"), "{bad:?}");
        }
    }
    let sources =
        sources(&["--port=0", "--prices-file=/no/such/prices.json"], &[("MOCK_BASE_URL", "http://127.0.0.1:1")])
            .unwrap();
    let wrong = Proxy::start(Settings::read(&sources).unwrap(), &sources).await.unwrap_err().to_string();
    assert!(wrong.starts_with("VDM_PRICES_FILE=\"/no/such/prices.json\": "), "{wrong}");
}

#[test]
fn the_readme_names_every_setting_and_its_default() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut told: std::collections::BTreeMap<String, Option<String>> = std::collections::BTreeMap::new();
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (names, defaults) = (quoted(cells[1]), quoted(cells[2]));
        for (index, name) in names.iter().enumerate() {
            let default = (names.len() == defaults.len()).then(|| defaults[index].clone());
            told.insert(name.clone(), default.clone());
            // `_B` behind `P_A` is short for `P_B`, wherever the first name is cut.
            if name.starts_with('_') {
                for (cut, _) in names[0].match_indices('_') {
                    told.insert(format!("{}{name}", &names[0][..cut]), default.clone());
                }
            }
        }
    }
    for setting in Settings::descriptions() {
        let Some(default) = told.get(setting.name) else { panic!("the README has no {}", setting.name) };
        if let Some(default) = default {
            assert_eq!(*default, setting.default, "{}", setting.name);
        }
    }
}
