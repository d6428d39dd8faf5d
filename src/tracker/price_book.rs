//! The prices that requests are billed by, and those found for each key.

use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use super::{
    keys::{Key, Keys},
    texts::{TextField, Texts},
};
use crate::{
    cost::{Cost, Price, Prices},
    usage::{Usage, UsageSource},
};

/// The prices; free of cost until some are set.
#[derive(Debug, Default)]
pub(crate) struct PriceBook {
    any: AtomicBool,
    found: RwLock<FoundPrices>,
}

/// Prices, and the price of each key that has been asked for: to find one takes microseconds.
#[derive(Debug, Default)]
struct FoundPrices {
    prices: Prices,
    /// By key; the inner `None`: the model has no price.
    by_key: Vec<Option<Option<Price>>>,
}

impl PriceBook {
    /// Puts `prices` in the place of those before.
    pub(crate) fn set(&self, prices: Prices) {
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = FoundPrices { prices, by_key: Vec::new() };
        self.any.store(true, Ordering::Release);
    }

    /// Whether prices have been set.
    #[cfg(feature = "prometheus")]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Returns what a request of this key has cost; `None` where its price or its usage is not known.
    #[inline]
    pub(crate) fn cost(
        &self,
        key: Key,
        texts: &Texts,
        keys: &Keys,
        usage: &Usage,
        source: UsageSource,
    ) -> Option<Cost> {
        if source == UsageSource::None || !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.billed(key, texts, keys, usage)
    }

    #[cold]
    fn billed(&self, key: Key, texts: &Texts, keys: &Keys, usage: &Usage) -> Option<Cost> {
        {
            let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(Some(price)) = found.by_key.get(key.index()) {
                return price.as_ref().map(|price| price.cost(usage));
            }
        }
        let names = keys.names(texts);
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        let price =
            found.prices.find(names.known_provider(), &[texts.get(TextField::Resolved), names.model()]).cloned();
        let cost = price.as_ref().map(|price| price.cost(usage));
        // Many models share that key.
        if key != Key::OTHER {
            let by_key = &mut found.by_key;
            by_key.resize(by_key.len().max(key.index() + 1), None);
            by_key[key.index()] = Some(price);
        }
        cost
    }
}
