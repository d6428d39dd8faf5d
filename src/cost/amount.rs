//! An amount of money.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign},
};

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

#[cfg(feature = "fleet")]
use super::decimal;
use super::decimal::DECIMALS;

/// Units of a [`Cost`] in a dollar.
const PER_DOLLAR: u128 = 10_u128.pow(DECIMALS);

/// US dollars, exact to 10⁻²⁷ of one.
///
/// LiteLLM's file has prices of 10⁻²⁴ dollars and below: seventeen digits that a program wrote. Twenty-seven decimals
/// hold such digits for any price from one cent per thousand million tokens. Sums saturate at 340 thousand million dollars.
///
/// Displayed without a sign or an exponent and with as many decimals as it takes (`0.00375`); serialised to the same as a
/// JSON number, with `serde_json`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(u128);

impl Cost {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    pub(super) const fn from_units(units: u128) -> Self {
        Self(units)
    }

    /// The dollars that `text` writes as a JSON number; `None` if it writes none, or less than nothing.
    #[cfg(feature = "fleet")]
    pub(crate) fn read(text: &str) -> Option<Self> {
        decimal::parse(text, decimal::PER_TOKEN).ok().map(Self)
    }

    /// Returns the nearest dollars that an `f64` can hold, for those who cannot take all digits.
    pub fn to_f64(self) -> f64 {
        // By its digits: 10²⁷ is no `f64`, so that a quotient would be rounded twice. Digits are always a number.
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{}.{:0width$}", self.0 / PER_DOLLAR, self.0 % PER_DOLLAR, width = DECIMALS as usize);
        f.pad(digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl fmt::Debug for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cost({self} USD)")
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_written_with_the_digits_it_has() {
        for (units, written) in [
            (0, "0"),
            (1, "0.000000000000000000000000001"),
            (PER_DOLLAR, "1"),
            (10 * PER_DOLLAR, "10"),
            (PER_DOLLAR * 5 / 2, "2.5"),
            (u128::MAX, "340282366920.938463463374607431768211455"),
        ] {
            assert_eq!(Cost(units).to_string(), written);
            assert_eq!(serde_json::to_string(&Cost(units)).expect("it is a number"), written);
        }
        assert_eq!(format!("{:>6}|{:?}", Cost(PER_DOLLAR), Cost(PER_DOLLAR)), "     1|Cost(1 USD)");
    }

    #[test]
    fn sums_are_exact_and_stop_at_the_largest() {
        let tenth = Cost(PER_DOLLAR / 10);
        assert_eq!((0..30).map(|_| tenth).sum::<Cost>().to_string(), "3");
        assert_eq!(Cost(u128::MAX) + tenth, Cost(u128::MAX));
    }

    #[test]
    fn a_float_is_the_nearest_to_its_cost() {
        for (units, float) in [(0, 0.0), (PER_DOLLAR / 4, 0.25), (92 * PER_DOLLAR, 92.0), (1, 1e-27)] {
            assert_eq!(Cost(units).to_f64(), float);
        }
    }
}
