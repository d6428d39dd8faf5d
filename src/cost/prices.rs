//! All prices of a file, and how one is found.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use super::{Price, PricesError, Skipped, names};

/// The prices of a file, by the name of the model.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    entries: HashMap<Box<str>, Listing>,
    /// Names in lower case, where they are written otherwise and mean one entry.
    lower_case: HashMap<Box<str>, Option<Box<str>>>,
    /// The providers that the entries name, as [`names::provider`] tells them apart.
    providers: HashSet<Box<str>>,
    skipped: Vec<Skipped>,
}

/// One model of a file.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    /// The provider whose price it is, where the file says so.
    pub(super) provider: Option<Box<str>>,
    /// `None` where the model is not priced by tokens, so that no other price is taken for its own.
    pub(super) price: Option<Price>,
}

impl Prices {
    /// Models that have a price.
    pub fn len(&self) -> usize {
        self.entries.values().filter(|listing| listing.price.is_some()).count()
    }

    /// Whether no model has a price.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries of the file that have no price, in the order of the file.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns the price of a model of this provider (`""`: not known). `models` are the names that the model goes by,
    /// the most telling first: what an alias resolved to, then what was asked for.
    ///
    /// Tried in turn for each of the names: `provider/name`, then `name`; after that the same without the date at the
    /// end of each (`-2024-08-06`, `-20241022` or `@20241022`, with Bedrock's `-v2:0` behind it). A name is taken as it is, then
    /// in lower case. The first entry found decides: where it has no price, nor has the model.
    ///
    /// A bare `name` of another provider (by `litellm_provider`) is passed over if the file has prices of this one: what one
    /// charges says nothing about the other.
    ///
    /// Takes some microseconds: keep what it returns beside the names.
    pub fn find(&self, provider: &str, models: &[&str]) -> Option<&Price> {
        let alias = names::alias(provider);
        let own_name = alias.unwrap_or(provider).to_ascii_lowercase();
        let own_name = names::provider(&own_name);
        let is_known = self.providers.contains(own_name);
        let is_meant =
            |listing: &&Listing| listing.provider.as_deref().is_none_or(|provider| provider == own_name || !is_known);
        let by_name = |name: &str| {
            let qualified = [Some(provider), alias].into_iter().flatten().filter(|prefix| !prefix.is_empty());
            let mut qualified = qualified.map(|prefix| format!("{prefix}/{name}"));
            qualified.find_map(|name| self.listing(&name)).or_else(|| self.listing(name).filter(is_meant))
        };
        let named = models.iter().copied().filter(|name| !name.is_empty());
        let undated = named.clone().filter_map(names::without_date);
        named.chain(undated).find_map(by_name)?.price.as_ref()
    }

    fn listing(&self, name: &str) -> Option<&Listing> {
        self.entries.get(name).or_else(|| {
            let name = name.to_ascii_lowercase();
            self.entries.get(name.as_str()).or_else(|| self.entries.get(self.lower_case.get(name.as_str())?.as_ref()?))
        })
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// There is one of that name.
    pub(super) fn insert(&mut self, name: String, listing: Listing) -> Result<(), PricesError> {
        let lower = name.to_ascii_lowercase();
        let key = name.clone().into_boxed_str();
        match self.entries.entry(key) {
            Entry::Occupied(_) => return Err(PricesError::Twice { entry: name, field: None }),
            Entry::Vacant(free) => {
                self.providers.extend(listing.provider.clone());
                free.insert(listing);
            }
        }
        if lower != name {
            let spelt = self.lower_case.entry(lower.into());
            spelt.and_modify(|other| *other = None).or_insert(Some(name.into()));
        }
        Ok(())
    }

    pub(super) fn skip(&mut self, skipped: Skipped) {
        self.skipped.push(skipped);
    }
}
