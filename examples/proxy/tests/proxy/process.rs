//! The program: its signals, its output, its exit code.

use tokio::io::AsyncWriteExt;

use crate::{
    authority::{Authority, Issued},
    program::{Program, command},
    support::{Client, Mock, post},
};

async fn is_healthy(program: &Program) -> bool {
    let mut client = Client::to(program.address).await;
    client.send(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
    // A connection that is taken just when the end begins is closed without an answer.
    client.head().await.is_some_and(|head| head.starts_with("HTTP/1.1 200 "))
}

#[tokio::test]
async fn a_hangup_reads_the_certificate_again_and_a_bad_file_changes_nothing() {
    let authority = Authority::new();
    let (first, second) = (authority.issue("127.0.0.1"), authority.issue("127.0.0.1"));
    let (certificate, key) = first.files();
    let args = [certificate.flag("tls-cert"), key.flag("tls-key")];
    let mut program = Program::start(&args.each_ref().map(String::as_str), &[]).await;
    let shows = async |program: &Program, issued: &Issued| {
        let stream = authority.connect(program.address, &[]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0] == *issued.certificate.der()
    };
    assert!(shows(&program, &first).await);
    let write = |issued: &Issued| {
        std::fs::write(certificate.path(), issued.certificate.pem()).unwrap();
        std::fs::write(key.path(), issued.key.serialize_pem()).unwrap();
    };

    write(&second);
    program.signal("HUP").await;
    program.logged("the certificate has been read").await;
    assert!(shows(&program, &second).await);

    // A certificate whose key is another's, and none at all.
    for text in [first.certificate.pem(), String::new()] {
        std::fs::write(certificate.path(), text).unwrap();
        program.signal("HUP").await;
        program.logged("the certificate read before is kept").await;
        assert!(shows(&program, &second).await);
    }
}

#[tokio::test]
async fn a_client_that_ends_within_the_preface_of_http_2_holds_up_nobody() {
    let program = Program::start(&[], &[]).await;
    for half in ["P", "PR"] {
        let mut client = Client::to(program.address).await;
        client.send(half.as_bytes()).await;
        client.stream.shutdown().await.unwrap();
        assert!(is_healthy(&program).await, "{half}");
        assert!(!client.fill().await, "{half}: it is let go of");
    }
}

#[tokio::test]
async fn a_hangup_without_anything_to_read_ends_nothing() {
    let mut program = Program::start(&[], &[]).await;
    program.signal("HUP").await;
    program.logged("SIGHUP: there is no file to read again").await;
    assert!(is_healthy(&program).await);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_output_that_cannot_be_written_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(&["--port=0"], &[]).stdout(full).spawn().unwrap().wait_with_output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.starts_with("standard output cannot be written: "), "{told}");
}

#[tokio::test]
async fn a_wish_for_the_log_that_is_not_understood_stops_the_start() {
    let output = command(&["--port=0"], &[("RUST_LOG", "proxy=loud")]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("RUST_LOG=\"proxy=loud\" is not understood"));
}

#[tokio::test]
async fn a_name_near_one_of_a_setting_is_told_in_the_log_and_stops_nothing() {
    for (name, near) in [
        ("LOG_REQUEST_METRIC", "LOG_REQUEST_METRICS"),
        ("REQUEST_TIMEOUTS", "REQUEST_TIMEOUT"),
        ("OPENAI_APIKEY", "OPENAI_API_KEY"),
        ("ANTHROPIC_BASEURL", "ANTHROPIC_BASE_URL"),
    ] {
        let mut program = Program::start(&[], &[(name, "sk-hidden")]).await;
        let line = program.logged(name).await;
        assert!(line.contains(" WARN ") && line.contains(&format!("the nearest one is {near}")), "{line}");
        assert!(!line.contains("sk-hidden"), "{line}");
    }
}

#[tokio::test]
async fn a_setting_of_a_provider_that_is_none_is_told_in_the_log_and_stops_nothing() {
    for (name, told) in [
        ("OTHER_ALIAS_FAST", "is about \"other\", which is no provider"),
        ("OTHER_API_FORMAT", "is about \"other\", which is no provider"),
        ("OTHER_API_KEY", "but not where \"other\" is"),
    ] {
        let mut program = Program::start(&[], &[(name, "sk-hidden")]).await;
        let line = program.logged(name).await;
        assert!(line.contains(" WARN ") && line.contains(told) && !line.contains("sk-hidden"), "{line}");
    }
}

#[tokio::test]
async fn without_any_provider_there_is_no_start() {
    let output = command(&["--port=0", "--demo=never"], &[]).output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("no provider is configured") && told.contains("PROXY_DEMO=never"), "{told}");
}

#[tokio::test]
async fn keys_that_open_the_metrics_only_are_warned_of() {
    let scrape = ("VDM_ACTIVE_REQUESTS_SCRAPE_KEYS", "sk-scrape");
    let mut program = Program::start(&[], &[scrape]).await;
    let line = program.logged("nobody may read the list of requests").await;
    assert!(line.contains("VDM_ACTIVE_REQUESTS_VIEW_KEYS") && !line.contains("sk-scrape"), "{line}");
}

#[tokio::test]
async fn the_exit_code_says_whether_requests_were_cut() {
    let mut program = Program::start(&[], &[]).await;
    assert!(is_healthy(&program).await);
    program.signal("TERM").await;
    assert_eq!(program.ended().await, Some(0));

    let mut mock = Mock::start().await;
    for second in ["TERM", "INT"] {
        let mut program =
            Program::start(&["--grace=600", "--allowed-hosts=proxy"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
        let mut client = Client::to(program.address).await;
        client.send(post("/mock/x", "", "{}").as_bytes()).await;
        let mut upstream = mock.connection().await;
        upstream.answer().await;
        program.signal("TERM").await;
        while is_healthy(&program).await {}
        program.signal(second).await;
        assert_eq!(program.ended().await, Some(3), "{second}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_limit_of_descriptors_is_raised_as_far_as_it_goes() {
    let program = Program::start(&[], &[]).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[3], words[4], "{line}");
}

#[tokio::test]
async fn a_setting_of_the_fleet_without_its_server_stops_the_start() {
    for (name, value) in [
        ("VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS", "/etc/nats.creds"),
        ("VDM_ACTIVE_REQUESTS_FLEET_REPLICA", "proxy-1"),
        ("VDM_ACTIVE_REQUESTS_FLEET_MAX_ROWS", "5"),
    ] {
        let output = command(&["--port=0"], &[(name, value)]).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let expected = format!("{name} is set, and is of no use without VDM_ACTIVE_REQUESTS_FLEET_URL");
        assert!(text.contains(&expected), "{text}");
    }
}
