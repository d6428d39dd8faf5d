//! The prices of one model, and the bill.

use std::sync::Arc;

use super::{Cost, SkipReason};
use crate::usage::Usage;

/// The prices of one model. Cheap to clone, so that it can be kept beside what it prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// By the length of the prompt, the shortest first; the first is for any.
    tiers: Arc<[Tier]>,
}

/// The prices of all tokens of a request whose prompt has `from` tokens or more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tier {
    from: u64,
    rates: Rates,
}

/// Units of a cost per token.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rates {
    input: u128,
    output: u128,
    cache_read: u128,
    cache_write: u128,
    reasoning: u128,
}

impl Price {
    /// Returns what these tokens cost: input that no cache held, cache reads, cache writes, reasoning and the
    /// rest of the output, each at its own price.
    ///
    /// Tokens that a count leaves out are not billed: with nothing known of a usage, the cost is 0.
    pub fn cost(&self, usage: &Usage) -> Cost {
        let Some(rates) = self.rates(usage.input_tokens) else { return Cost::ZERO };
        // A provider that counts cached tokens beside the input although it should not is billed for both.
        let uncached =
            usage.input_tokens.saturating_sub(usage.cache_read_tokens).saturating_sub(usage.cache_creation_tokens);
        let text = usage.output_tokens.saturating_sub(usage.reasoning_tokens);
        [
            (uncached, rates.input),
            (usage.cache_read_tokens, rates.cache_read),
            (usage.cache_creation_tokens, rates.cache_write),
            (text, rates.output),
            (usage.reasoning_tokens, rates.reasoning),
        ]
        .into_iter()
        .map(|(tokens, rate)| Cost::from_units(rate.saturating_mul(tokens.into())))
        .sum()
    }

    fn rates(&self, prompt: u64) -> Option<&Rates> {
        self.tiers.iter().rfind(|tier| tier.from <= prompt).map(|tier| &tier.rates)
    }
}

/// The prices that a file gives, each where it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) input: Option<u128>,
    pub(super) output: Option<u128>,
    pub(super) cache_read: Option<u128>,
    pub(super) cache_write: Option<u128>,
    pub(super) reasoning: Option<u128>,
}

impl Given {
    /// These prices, and those of `other` where there are none.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            input: self.input.or(other.input),
            output: self.output.or(other.output),
            cache_read: self.cache_read.or(other.cache_read),
            cache_write: self.cache_write.or(other.cache_write),
            reasoning: self.reasoning.or(other.reasoning),
        }
    }

    fn rates(self) -> Result<Rates, SkipReason> {
        let (input, output) = match (self.input, self.output) {
            (Some(input), Some(output)) => (input, output),
            (None, None) => return Err(SkipReason::NoTokenPrice),
            (None, Some(_)) => return Err(SkipReason::NoInputPrice),
            (Some(_), None) => return Err(SkipReason::NoOutputPrice),
        };
        Ok(Rates {
            input,
            output,
            cache_read: self.cache_read.unwrap_or(input),
            cache_write: self.cache_write.unwrap_or(input),
            reasoning: self.reasoning.unwrap_or(output),
        })
    }

    /// The price of a model with these prices, and others from so many tokens of prompt; each tier is complete but
    /// for what follows from its own prices.
    pub(super) fn price(self, mut longer: Vec<(u64, Self)>) -> Result<Price, SkipReason> {
        longer.sort_by_key(|(from, _)| *from);
        let tiers = std::iter::once((0, self)).chain(longer);
        let tiers = tiers.map(|(from, given)| Ok(Tier { from, rates: given.rates()? })).collect::<Result<_, _>>()?;
        Ok(Price { tiers })
    }

    /// As [`price`](Self::price), where a tier takes what it leaves out from the one below it.
    pub(super) fn price_by_steps(self, mut longer: Vec<(u64, Self)>) -> Result<Price, SkipReason> {
        longer.sort_by_key(|(from, _)| *from);
        let mut below = self;
        for (_, given) in &mut longer {
            below = given.or(below);
            *given = below;
        }
        self.price(longer)
    }
}
