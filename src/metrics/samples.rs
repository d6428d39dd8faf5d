//! Families of metrics, written sample by sample.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue},
    metrics::MetricType,
    registry::Unit,
};

use crate::tracker::{Bounds, Histogram};

/// The labels of a sample: names and values.
pub(super) type LabelPairs<'a> = Vec<(&'static str, &'a str)>;

/// The labels of an exemplar, of which there are none.
type NoLabels = [(&'static str, &'static str); 0];

/// The head of a family.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) unit: Option<Unit>,
}

impl Family {
    /// A family of plain numbers.
    pub(super) const fn of(name: &'static str, help: &'static str) -> Self {
        Self { name, help, unit: None }
    }

    /// A family of seconds, whose name gets that ending.
    pub(super) const fn of_seconds(name: &'static str, help: &'static str) -> Self {
        Self { name, help, unit: Some(Unit::Seconds) }
    }

    pub(super) fn gauges<'a, V: EncodeGaugeValue>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        samples: impl IntoIterator<Item = (LabelPairs<'a>, V)>,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, self.unit.as_ref(), MetricType::Gauge)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Writes counters, whose names get the ending `_total`.
    pub(super) fn counters<'a, V: EncodeCounterValue>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        samples: impl IntoIterator<Item = (LabelPairs<'a>, V)>,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, self.unit.as_ref(), MetricType::Counter)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_counter::<NoLabels, V, u64>(&value, None)?;
        }
        Ok(())
    }

    /// Writes histograms but for those without a value. `unit`: the number that is 1 in the family's unit.
    pub(super) fn histograms<'a>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        bounds: Bounds,
        unit: f64,
        samples: impl IntoIterator<Item = (LabelPairs<'a>, &'a Histogram)>,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, self.unit.as_ref(), MetricType::Histogram)?;
        let bounds: Vec<f64> = bounds.iter().map(|bound| *bound as f64 / unit).chain([f64::INFINITY]).collect();
        for (labels, histogram) in samples.into_iter().filter(|(_, histogram)| !histogram.counts().is_empty()) {
            let counts = histogram.counts();
            let buckets: Vec<(f64, u64)> = bounds.iter().copied().zip(counts.iter().copied()).collect();
            family.encode_family(&labels)?.encode_histogram::<NoLabels>(
                histogram.sum as f64 / unit,
                counts.iter().sum(),
                &buckets,
                None,
            )?;
        }
        Ok(())
    }
}
