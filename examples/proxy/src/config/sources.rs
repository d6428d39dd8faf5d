//! The sources of settings: flags over the environment over the file.
//!
//! Which settings there are is told by the list of [`Description`]s; what a value means, by those who read it. Only names that
//! can be settings are kept of the environment, and every value as a [`Secret`].

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
};

use active_requests::config::{Secret, check_names};

use crate::config::{
    command,
    description::{Description, SettingsError},
    file, providers,
};

/// The endings and parts of names of variables that concern a provider of the user's own naming.
const PROVIDER_KEYS: [&str; 3] = ["_API_KEY", "_BASE_URL", "_API_FORMAT"];
const PROVIDER_ALIAS: &str = "_ALIAS_";

/// The variable that names the file.
pub(super) const CONFIG: &str = "PROXY_CONFIG";

/// The beginnings of names that are this program's, so that one that nearly is a setting is a typing error.
const OWN_PREFIXES: [&str; 2] = ["PROXY_", "VDM_"];
/// The most typing errors in such a name.
const MAX_TYPOS: usize = 2;

/// The setting, or the variable of a well-known provider, that a name nearly is.
fn near(settings: &[Description], name: &str) -> Option<String> {
    // In a short name two letters make another word: POST and HOST are no PORT.
    const SHORTEST: usize = 8;
    let settings = settings.iter().map(|setting| setting.name.to_owned());
    let provider = |known: &str| PROVIDER_KEYS.map(|key| known.to_ascii_uppercase() + key);
    let mut names = settings.chain(providers::well_known().flat_map(provider));
    names.find(|known| {
        known.len() > SHORTEST
            && known.len().abs_diff(name.len()) <= MAX_TYPOS
            && strsim::damerau_levenshtein(name, known) <= MAX_TYPOS
    })
}

/// All values that were given.
#[derive(Debug, Default)]
pub struct Sources {
    /// The settings with fixed names, by name; the value that counts.
    values: HashMap<&'static str, Secret>,
    /// The variables of providers, by name; `None`: no UTF-8.
    environment: BTreeMap<String, Option<Secret>>,
    /// The values of the file for names of the user's own making, by their path.
    file: Vec<(Vec<String>, Secret)>,
}

impl Sources {
    /// Collects what was given. `args` starts with the program's name. An empty variable that concerns a provider counts as not set.
    ///
    /// # Errors
    /// An unknown flag, a file that cannot be read, an unknown name in the file or in the environment (as far as it belongs to
    /// this program), or text that is no UTF-8. Asking for `--help` or `--version` ends the program.
    pub fn collect(
        settings: &[Description],
        args: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let mut sources = Self::default();
        let command::Given { flags, config } = command::read(settings, args)?;
        let env: Vec<_> = env.into_iter().collect();
        let variable = || env.iter().find(|(name, _)| name == CONFIG);
        if let Some(path) = config.or_else(|| variable().map(|(_, path)| path.into())) {
            if path.as_os_str().to_string_lossy().trim().is_empty() {
                return Err(SettingsError::new(
                    "--config (PROXY_CONFIG) is not understood: allowed is the name of a file",
                ));
            }
            for (path, value) in file::read(settings, &path)? {
                match file::setting(settings, &path) {
                    Some(setting) => drop(sources.values.insert(setting.name, value)),
                    None => sources.file.push((path, value)),
                }
            }
        }
        sources.add_environment(settings, env)?;
        sources.values.extend(flags);
        Ok(sources)
    }

    fn add_environment(
        &mut self,
        settings: &[Description],
        env: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(), SettingsError> {
        for (name, value) in env {
            let Ok(name) = name.into_string() else { continue };
            check_names([&name])?;
            let value = value.into_string().ok();
            if let Some(setting) = settings.iter().find(|setting| setting.name == name) {
                let value = value.ok_or_else(|| SettingsError::new(format!("{name} is no UTF-8 text")))?;
                self.values.insert(setting.name, value.into());
            } else if PROVIDER_KEYS
                .iter()
                .any(|key| name.strip_suffix(key).is_some_and(|provider| !provider.is_empty()))
                || name.contains(PROVIDER_ALIAS)
            {
                // How a container leaves one out, which may be another program's.
                if value.as_deref() != Some("") {
                    self.environment.insert(name, value.map(Secret::from));
                }
            } else if name != CONFIG && OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                let names = || settings.iter().map(|setting| setting.name).chain([CONFIG]);
                if names().any(|known| strsim::damerau_levenshtein(&name, known) <= MAX_TYPOS) {
                    return Err(SettingsError::unknown(&name, &name, names()));
                }
            } else if let Some(near) = near(settings, &name) {
                // It may be another program's, which is no reason to stop.
                tracing::warn!("{name} is set, and is not a setting of this proxy: the nearest one is {near}");
            }
        }
        Ok(())
    }

    /// The value of a setting with a fixed name, if it was given.
    pub fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| value.expose().to_owned())
    }

    /// The variables of the environment that may concern providers, by name; `None`: no UTF-8 text.
    pub fn environment(&self) -> impl Iterator<Item = (&str, Option<&Secret>)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_ref()))
    }

    /// The values in the file's tables `providers` and `aliases`, by path: `["providers", "mine", "base_url"]`.
    pub fn file(&self) -> impl Iterator<Item = (&[String], &Secret)> {
        self.file.iter().map(|(path, value)| (path.as_slice(), value))
    }
}
