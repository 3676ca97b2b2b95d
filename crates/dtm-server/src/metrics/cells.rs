//! A family whose members are found by index instead of by hash.
//!
//! Label values are known beforehand, so the handle of each combination has a place of its own. The first event
//! creates the time series; later ones cost an atomic load and an atomic addition, without a lock or a hash.

use std::fmt::Debug;
use std::sync::OnceLock;

use prometheus_client::encoding::EncodeMetric;
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::registry::Registry;

/// The labels of one time series.
pub(super) type Labels = Vec<(&'static str, &'static str)>;

/// One label and its values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dimension {
    pub(super) label: &'static str,
    pub(super) values: &'static [&'static str],
}

/// A metric for each combination of the values of its dimensions.
#[derive(Debug)]
pub(super) struct Cells<M, C = fn() -> M> {
    family: Family<Labels, M, C>,
    dimensions: &'static [Dimension],
    cells: Box<[OnceLock<M>]>,
}

impl<M, C> Cells<M, C>
where
    M: Clone + Debug + TypedMetric + EncodeMetric + Send + Sync + 'static,
    C: MetricConstructor<M> + Clone + Debug + Send + Sync + 'static,
{
    pub(super) fn register(
        registry: &mut Registry,
        name: &'static str,
        help: &'static str,
        dimensions: &'static [Dimension],
        constructor: C,
    ) -> Self {
        let family = Family::new_with_constructor(constructor);
        registry.register(name, help, family.clone());
        let count = dimensions.iter().map(|dimension| dimension.values.len()).product();
        Self { family, dimensions, cells: (0..count).map(|_| OnceLock::new()).collect() }
    }

    /// The member with these values, given by their index in each dimension. `None` when an index is too large.
    pub(super) fn at(&self, indexes: &[usize]) -> Option<&M> {
        let mut cell = 0;
        for (dimension, &index) in self.dimensions.iter().zip(indexes) {
            if index >= dimension.values.len() {
                return None;
            }
            cell = cell * dimension.values.len() + index;
        }
        Some(self.cells.get(cell)?.get_or_init(|| self.create(indexes)))
    }

    fn create(&self, indexes: &[usize]) -> M {
        let labels = self.dimensions.iter().zip(indexes);
        let labels = labels.filter_map(|(d, &index)| Some((d.label, *d.values.get(index)?))).collect();
        self.family.get_or_create_owned(&labels)
    }
}
