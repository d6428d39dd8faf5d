//! The command line: a flag for each setting that is not secret, and what `--help` says.

use std::{collections::HashMap, ffi::OsString, path::PathBuf};

use active_requests::config::Secret;
use clap::{Arg, ArgAction, Command, error::ErrorKind};

use crate::config::{
    description::{Description, SettingsError},
    sources::CONFIG,
};

/// The values given on the command line.
pub(super) struct Given {
    /// Values by the name of their setting.
    pub flags: HashMap<&'static str, Secret>,
    /// The file of settings.
    pub config: Option<PathBuf>,
}

/// Reads the command line. `args` starts with the program's name.
///
/// # Errors
/// An unknown flag, or a flag without its value. `--help` and `--version` end the program.
pub(super) fn read(settings: &[Description], args: impl IntoIterator<Item = OsString>) -> Result<Given, SettingsError> {
    let mut matches = command(settings).try_get_matches_from(args).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => SettingsError::new(error.to_string().trim_end()),
    })?;
    let mut flags: HashMap<_, Secret> = HashMap::new();
    for setting in settings.iter().filter(|setting| !setting.is_secret) {
        if let Some(value) = matches.remove_one::<String>(setting.name) {
            flags.insert(setting.name, value.into());
        }
    }
    if let Some(listen) = matches.remove_one::<String>("listen") {
        let allowed = "is an address and a port, such as 127.0.0.1:8082";
        let (host, port) = listen
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .ok_or_else(|| SettingsError::value("--listen", &listen, allowed))?;
        flags.insert("HOST", host.trim_matches(['[', ']']).into());
        flags.insert("PORT", port.into());
    }
    Ok(Given { flags, config: matches.remove_one::<String>("config").map(PathBuf::from) })
}

fn command(settings: &[Description]) -> Command {
    let flag = |setting: &Description| {
        let mut help = format!("{} [env: {}]", setting.help, setting.name);
        if !setting.default.is_empty() {
            help += &format!(" [default: {}]", setting.default);
        }
        let arg = Arg::new(setting.name)
            .long(setting.flag.clone())
            .help(help)
            .value_name(setting.placeholder)
            .action(ArgAction::Set);
        match setting.alone {
            Some(alone) => arg.num_args(0..=1).require_equals(true).default_missing_value(alone),
            None => arg,
        }
    };
    let secrets = settings.iter().filter(|setting| setting.is_secret);
    let secrets: String = secrets.map(|setting| format!("\n  {:16} {}", setting.name, setting.help)).collect();
    Command::new("active-requests-proxy")
        .about("An LLM proxy that shows which requests are in flight, with live token counts")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(format!(
            "Set in the environment or in the file only, because the list of processes shows flags:{secrets}\n\
             Providers are set in the environment, or under [providers.NAME] in the file:\n  \
             {{P}}_API_KEY        its key; !PASSTHRU hands on the client's own\n  \
             {{P}}_BASE_URL       as its SDK takes it: OpenAI with the version, Anthropic without\n  \
             {{P}}_API_FORMAT     openai or anthropic\n  \
             {{P}}_ALIAS_{{NAME}}   another name for one of its models\n\
             Spans for OpenTelemetry are asked for by its own variables, first of them OTEL_EXPORTER_OTLP_ENDPOINT.\n\
             In the file a setting has the name of its flag, with _ for -; tracker and monitor are tables of their own."
        ))
        .args(settings.iter().filter(|setting| !setting.is_secret).map(flag))
        .arg(Arg::new("listen").long("listen").value_name("ADDRESS:PORT").help("HOST and PORT in one"))
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE.toml")
                .help(format!("Read settings from this file too [env: {CONFIG}]")),
        )
}
