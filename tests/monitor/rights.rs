//! Which key may do what: every combination of settings, key, method and route.

use active_requests::config::{MonitorConfig, Right, Rights};
use serde_json::Value;

use crate::support::{Monitor, bytes, header};

/// The lists of keys that are set, and whether the general key may cancel.
#[derive(Clone, Copy, Debug)]
struct Setting {
    general: bool,
    scrape: bool,
    view: bool,
    operate: bool,
    allow_cancel: bool,
}

impl Setting {
    fn all() -> impl Iterator<Item = Self> {
        (0..32).map(|bits| Self {
            general: bits & 1 != 0,
            scrape: bits & 2 != 0,
            view: bits & 4 != 0,
            operate: bits & 8 != 0,
            allow_cancel: bits & 16 != 0,
        })
    }

    fn config(self) -> MonitorConfig {
        let mut config = MonitorConfig::default().allow_cancel(self.allow_cancel);
        if self.general {
            config = config.keys(["general"]);
        }
        if self.scrape {
            config = config.scrape_keys(["scrape", "scrape-2"]);
        }
        if self.view {
            config = config.view_keys(["view"]);
        }
        if self.operate {
            config = config.operate_keys(["operate"]);
        }
        config
    }

    /// Scrape, view and operate, as 1, 2 and 3, of the rights that `key` has; 0: known and without any; `None`: unknown.
    fn rights(self, key: &str) -> Option<u8> {
        match key {
            "scrape" | "scrape-2" if self.scrape => Some(1),
            "view" if self.view => Some(2),
            "operate" if self.operate => Some(3),
            "general" if self.general => Some(match (self.allow_cancel, self.view, self.scrape) {
                (true, ..) => 3,
                (false, false, _) => 2,
                (false, true, false) => 1,
                (false, true, true) => 0,
            }),
            _ if !(self.general || self.scrape || self.view || self.operate) => Some(2),
            _ => None,
        }
    }

    fn can_operate(self) -> bool {
        self.operate || (self.general && self.allow_cancel)
    }
}

/// The status of the metrics for who may read them.
const SCRAPED: u16 = if cfg!(feature = "prometheus") { 200 } else { 404 };

/// Method, path, the right that is needed as in `Setting::rights`, its name, and the status with it.
const ROUTES: [(&str, &str, u8, &str, u16); 10] = [
    ("GET", "/active-requests", 2, "view", 200),
    ("GET", "/active-requests/stream", 2, "view", 200),
    ("GET", "/active-requests/{id}", 2, "view", 200),
    ("GET", "/running-totals", 2, "view", 200),
    ("GET", "/logs", 2, "view", 200),
    ("GET", "/series", 2, "view", 200),
    ("GET", "/nothing", 2, "view", 404),
    ("GET", "", 1, "scrape", SCRAPED),
    ("DELETE", "/active-requests/{id}", 3, "operate", 409),
    ("DELETE", "/logs", 2, "view", 405),
];

#[tokio::test]
async fn each_key_may_do_what_its_rights_say_on_each_route_under_each_setting() {
    for setting in Setting::all() {
        let monitor = Monitor::with(setting.config());
        let request = monitor.start("a");
        for key in ["", "general", "scrape", "scrape-2", "view", "operate", "wrong"] {
            for (method, path, needed, name, status) in ROUTES {
                let path = path.replace("{id}", &request.id().to_string());
                let path = if path.is_empty() { "/" } else { &path };
                let bearer = format!("Bearer {key}");
                let expected = match setting.rights(key) {
                    None if needed == 3 && !setting.can_operate() => 403,
                    None => 401,
                    Some(rights) if rights < needed => 403,
                    Some(_) => status,
                };
                for headers in
                    [[("x-api-key", key)], [("api-key", key)], [("x-goog-api-key", key)], [("authorization", &bearer)]]
                {
                    let response = monitor.ask(method, path, &headers).await;
                    let told = format!("{setting:?} {key:?} {method} {path}");
                    assert_eq!(response.status(), expected, "{told}");
                    if expected == 401 {
                        assert_eq!(header(response.headers(), "www-authenticate"), Some("Bearer"));
                    }
                    if expected == 401 || expected == 403 {
                        let error: Value = serde_json::from_slice(&bytes(response).await).unwrap();
                        let kind = if expected == 401 { "unauthorized" } else { "forbidden" };
                        assert_eq!(error["error"]["type"], kind, "{told}");
                        let message = error["error"]["message"].as_str().unwrap();
                        assert!(message.contains(&format!("{name:?}")), "{told}: {message}");
                        let nobody = needed == 3 && expected == 403 && !setting.can_operate();
                        assert_eq!(message.contains("VDM_ACTIVE_REQUESTS_OPERATE_KEYS"), nobody, "{told}: {message}");
                        assert!(!message.contains("wrong"), "{told}: {message}");
                    }
                }
            }
            let options = monitor.ask("OPTIONS", "/active-requests/req_00000000-0", &[("x-api-key", key)]).await;
            assert_eq!(options.status(), 204, "{setting:?} {key:?}");
            let allow = header(options.headers(), "allow").unwrap();
            assert_eq!(allow.contains("DELETE"), setting.can_operate(), "{setting:?}");
        }
    }
}

#[tokio::test]
async fn of_two_keys_that_are_sent_each_counts() {
    let monitor = Monitor::with(MonitorConfig::default().view_keys(["view"]).operate_keys(["operate"]));
    let headers = [("x-api-key", "view"), ("authorization", "Bearer operate")];
    let response = monitor.ask("DELETE", "/active-requests/req_00000000-0", &headers).await;
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn a_check_of_ones_own_takes_the_place_of_all_keys() {
    let config = MonitorConfig::default().keys(["general"]).operate_keys(["operate"]).authorize(|parts| {
        match parts.headers.get("x-role").map(|role| role.as_bytes()) {
            Some(b"scraper") => Rights::none().with(Right::Scrape),
            Some(b"viewer") => Rights::none().with(Right::View),
            Some(b"operator") => Rights::none().with(Right::Operate),
            _ => Rights::none(),
        }
    });
    let monitor = Monitor::with(config);
    let request = monitor.start("a");
    let one = format!("/active-requests/{}", request.id());
    for (header, view, scrape, operate) in [
        (("x-api-key", "operate"), 401, 401, 401),
        (("x-role", "nobody"), 401, 401, 401),
        (("x-role", "scraper"), 403, SCRAPED, 403),
        (("x-role", "viewer"), 200, SCRAPED, 403),
        (("x-role", "operator"), 200, SCRAPED, 409),
    ] {
        let status = async |method, path: &str| monitor.ask(method, path, &[header]).await.status().as_u16();
        let statuses = (status("GET", "/logs").await, status("GET", "/").await, status("DELETE", &one).await);
        assert_eq!(statuses, (view, scrape, operate), "{header:?}");
    }
    let options = monitor.ask("OPTIONS", &one, &[]).await;
    assert!(header(options.headers(), "allow").unwrap().contains("DELETE"));
}

#[tokio::test]
async fn each_viewer_is_told_whether_it_may_cancel() {
    let monitor = Monitor::with(MonitorConfig::default().view_keys(["viewer"]).operate_keys(["operator"]));
    let request = monitor.start("a");
    for (key, expected) in [("viewer", false), ("operator", true), ("viewer", false)] {
        let headers = [("x-api-key", key)];
        let snapshot = bytes(monitor.ask("GET", "/active-requests", &headers).await).await;
        let snapshot: Value = serde_json::from_slice(&snapshot).unwrap();
        assert_eq!(snapshot["can_cancel"], expected, "{key}");
        assert_eq!(snapshot["active_requests"].as_array().unwrap().len(), 1);
        for format in ["update", "delta"] {
            let update = monitor.watch_with(format, &headers).await.next().await;
            assert!(update.ends_with(&format!(",\"can_cancel\":{expected}}}\n\n")), "{key} {format}: {update}");
        }
    }
    drop(request);
}

#[tokio::test]
async fn a_snapshot_that_is_held_counts_for_those_of_the_same_right_only() {
    let monitor = Monitor::with(MonitorConfig::default().view_keys(["viewer", "other"]).operate_keys(["operator"]));
    let _request = monitor.start("a");
    let ask = async |key: &str, held: &str| {
        let response = monitor.ask("GET", "/active-requests", &[("x-api-key", key), ("if-none-match", held)]).await;
        (response.status().as_u16(), header(response.headers(), "etag").unwrap().to_owned())
    };
    let (_, viewers) = ask("viewer", "\"none\"").await;
    let (_, operators) = ask("operator", "\"none\"").await;
    for (key, held, status) in [
        ("viewer", &viewers, 304),
        ("other", &viewers, 304),
        ("operator", &operators, 304),
        ("operator", &viewers, 200),
        ("viewer", &operators, 200),
    ] {
        assert_eq!(ask(key, held).await.0, status, "{key} {held}");
    }
}
