//! Model names: the provider and the name there that a name in a request stands for.
//!
//! `provider:model` names its provider, but only if that is configured, so that other colons survive. Aliases are looked up
//! at the provider they belong to, then among those that belong to none; `!name` is no alias.

use std::collections::BTreeMap;

use active_requests::config::Secret;

use crate::{
    config::{
        description::SettingsError,
        providers::{DEMO, misspelt},
        sources::Sources,
    },
    upstream::provider::Provider,
};

/// The most aliases followed for one name.
const MAX_DEPTH: usize = 10;

/// Which provider a request goes to, and the model's name there.
#[derive(Debug, PartialEq, Eq)]
pub struct ResolvedModel {
    /// Index into [`Models::providers`].
    pub provider: usize,
    pub model: String,
    /// The name is not what was asked for but what an alias stands for.
    pub aliased: bool,
}

/// Why a model leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub enum UnresolvedModel {
    /// It names no provider and there is no default one.
    NoDefault,
    /// Its aliases go on and on.
    Endless,
}

/// The providers and the names of their models.
#[derive(Debug)]
pub struct Models {
    pub providers: Vec<Provider>,
    pub default: Option<usize>,
    /// By provider (`None`: everybody's) and name in lower case.
    aliases: BTreeMap<(Option<usize>, String), String>,
}

impl Models {
    /// Reads the default provider and the aliases.
    ///
    /// # Errors
    /// A default provider that is not configured, or aliases that run in a circle.
    pub fn new(providers: Vec<Provider>, sources: &Sources) -> Result<Self, SettingsError> {
        let mut models = Self { providers, default: None, aliases: BTreeMap::new() };
        models.default = match sources.get("VDM_DEFAULT_PROVIDER") {
            Some(name) => Some(models.find(&name).ok_or_else(|| {
                let names: Vec<_> = models.providers.iter().map(|provider| provider.name.as_str()).collect();
                SettingsError::value(
                    "VDM_DEFAULT_PROVIDER",
                    &name,
                    &format!("are the configured ones: {}", names.join(", ")),
                )
            })?),
            // The simulated one steps back where there is a real one.
            None => match models.providers.as_slice() {
                [_] => Some(0),
                [_, _] => models.providers.iter().position(|p| p.name == DEMO).map(|demo| 1 - demo),
                _ => None,
            },
        };
        models.read_aliases(sources)?;
        models.check_aliases()?;
        Ok(models)
    }

    /// The provider of this name, in any case.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.providers.iter().position(|provider| provider.name.eq_ignore_ascii_case(name))
    }

    /// Where a request for `requested` goes.
    pub fn resolve(&self, requested: &str) -> Result<ResolvedModel, UnresolvedModel> {
        let mut provider = self.default;
        let mut name = requested;
        let mut literal = false;
        let mut aliased = false;
        for _ in 0..=MAX_DEPTH {
            literal |= strip_mark(&mut name);
            if let Some((named, rest)) = self.strip_provider(name) {
                provider = Some(named);
                name = rest;
                literal |= strip_mark(&mut name);
            }
            match self.alias(provider, name) {
                Some(target) if !literal => {
                    name = target;
                    aliased = true;
                }
                _ => {
                    let provider = provider.ok_or(UnresolvedModel::NoDefault)?;
                    return Ok(ResolvedModel { provider, model: name.to_owned(), aliased });
                }
            }
        }
        Err(UnresolvedModel::Endless)
    }

    fn strip_provider<'a>(&self, name: &'a str) -> Option<(usize, &'a str)> {
        let (prefix, rest) = name.split_once(':')?;
        Some((self.find(prefix)?, rest))
    }

    fn alias(&self, provider: Option<usize>, name: &str) -> Option<&str> {
        if self.aliases.is_empty() {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let at = |owner| self.aliases.get(&(owner, name.clone())).map(String::as_str);
        provider.and_then(|provider| at(Some(provider))).or_else(|| at(None))
    }

    /// Adds the aliases of the file, and over them those of the environment.
    fn read_aliases(&mut self, sources: &Sources) -> Result<(), SettingsError> {
        for (path, target) in sources.file() {
            let (owner, name) = match path {
                [table, name] if table == "aliases" => (None, name),
                [_, provider, aliases, name] if aliases == "aliases" => match self.find(provider) {
                    Some(owner) => (Some(owner), name),
                    None => continue,
                },
                _ => continue,
            };
            self.add_alias(owner, name, target, || format!("[{}] {name}", path[..path.len() - 1].join(".")))?;
        }
        for (variable, target) in sources.environment() {
            let Some((provider, alias)) = variable.split_once("_ALIAS_") else { continue };
            let Some(owner) = self.find(provider) else {
                let names = self.providers.iter().map(|provider| provider.name.as_str());
                match misspelt(provider, names) {
                    Some(nearest) => {
                        return Err(SettingsError::new(format!(
                            "{variable} is about no provider: the nearest one is {nearest}"
                        )));
                    }
                    None => {
                        let provider = provider.to_ascii_lowercase();
                        tracing::warn!(
                            "{variable} is about {provider:?}, which is no provider. It may be another program's"
                        );
                        continue;
                    }
                }
            };
            let target = target.ok_or_else(|| SettingsError::new(format!("{variable} is no UTF-8 text")))?;
            self.add_alias(Some(owner), alias, target, || variable.to_owned())?;
        }
        Ok(())
    }

    /// Adds an alias; `place` is where it was set.
    fn add_alias(
        &mut self,
        owner: Option<usize>,
        name: &str,
        target: &Secret,
        place: impl Fn() -> String,
    ) -> Result<(), SettingsError> {
        let target = target.expose().trim();
        if name.trim().is_empty() || target.is_empty() {
            return Err(SettingsError::new(format!(
                "{} is no alias: allowed are a name and a model, not blank",
                place()
            )));
        }
        self.aliases.insert((owner, name.to_ascii_lowercase()), target.to_owned());
        Ok(())
    }

    /// A circle is found at the start, not by the first request that runs in it.
    fn check_aliases(&self) -> Result<(), SettingsError> {
        for (owner, name) in self.aliases.keys() {
            let from = owner.map_or_else(|| name.clone(), |owner| format!("{}:{name}", self.providers[owner].name));
            if self.resolve(&from) == Err(UnresolvedModel::Endless) {
                return Err(SettingsError::new(format!(
                    "the alias {from:?} leads nowhere: allowed are at most {MAX_DEPTH} aliases one after another, not in a circle"
                )));
            }
        }
        Ok(())
    }
}

/// Takes the `!` off that says: no alias.
fn strip_mark(name: &mut &str) -> bool {
    match name.strip_prefix('!') {
        Some(rest) => {
            *name = rest;
            true
        }
        None => false,
    }
}
