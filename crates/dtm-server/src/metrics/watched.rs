//! What is read when somebody scrapes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// A value that some other part of the server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watched {
    /// Transactions that this server drives now.
    ActiveTransactions,
    /// Operations that wait to be written.
    StoreQueueDepth,
    /// Batches written by the store since the start.
    StoreBatches,
    /// Operations written by the store since the start.
    StoreOperations,
    /// Destinations that answer.
    BreakersClosed,
    /// Destinations that do not answer and are not called.
    BreakersOpen,
    /// Destinations that are being tried again.
    BreakersHalfOpen,
    /// Calls not made since the start, because the destination does not answer.
    RefusedByBreaker,
    /// Calls not made since the start, because too many to that destination are out.
    RefusedByBulkhead,
    /// Connections to gRPC servers, open or being opened.
    GrpcChannels,
}

struct Description {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    /// Label and value; no label for a metric with one series.
    series: &'static [(Option<(&'static str, &'static str)>, Watched)],
}

const GAUGE: MetricType = MetricType::Gauge;
const COUNTER: MetricType = MetricType::Counter;

const DESCRIPTIONS: &[Description] = &[
    Description {
        name: "dtm_active_transactions",
        help: "Transactions that this server drives now.",
        kind: GAUGE,
        series: &[(None, Watched::ActiveTransactions)],
    },
    Description {
        name: "dtm_store_queue_depth",
        help: "Operations that wait to be written.",
        kind: GAUGE,
        series: &[(None, Watched::StoreQueueDepth)],
    },
    Description {
        name: "dtm_store_batches",
        help: "Batches written by the store.",
        kind: COUNTER,
        series: &[(None, Watched::StoreBatches)],
    },
    Description {
        name: "dtm_store_operations",
        help: "Operations written by the store.",
        kind: COUNTER,
        series: &[(None, Watched::StoreOperations)],
    },
    Description {
        name: "dtm_breakers",
        help: "Destinations by the state of their circuit breaker.",
        kind: GAUGE,
        series: &[
            (Some(("state", "closed")), Watched::BreakersClosed),
            (Some(("state", "open")), Watched::BreakersOpen),
            (Some(("state", "half_open")), Watched::BreakersHalfOpen),
        ],
    },
    Description {
        name: "dtm_calls_refused",
        help: "Calls of branches that were put off without being made.",
        kind: COUNTER,
        series: &[
            (Some(("by", "breaker")), Watched::RefusedByBreaker),
            (Some(("by", "bulkhead")), Watched::RefusedByBulkhead),
        ],
    },
    Description {
        name: "dtm_grpc_channels",
        help: "Connections to branches over gRPC, open or being opened.",
        kind: GAUGE,
        series: &[(None, Watched::GrpcChannels)],
    },
];

type Read = Box<dyn Fn() -> u64 + Send + Sync>;

/// Everything that is watched.
#[derive(Clone, Default)]
pub(super) struct Watches {
    reads: Arc<Mutex<BTreeMap<Watched, Read>>>,
}

impl Watches {
    pub(super) fn set(&self, what: Watched, read: Read) {
        self.reads.lock().insert(what, read);
    }
}

impl Collector for Watches {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let reads = self.reads.lock();
        for description in DESCRIPTIONS {
            let present =
                description.series.iter().filter_map(|(label, what)| Some((label, reads.get(what)?())));
            let present: Vec<_> = present.collect();
            if present.is_empty() {
                continue;
            }
            let mut metric =
                encoder.encode_descriptor(description.name, description.help, None, description.kind)?;
            for (label, value) in present {
                match label {
                    Some(label) => emit(&mut metric.encode_family(&[*label])?, description.kind, value)?,
                    None => emit(&mut metric, description.kind, value)?,
                }
            }
        }
        Ok(())
    }
}

fn emit(metric: &mut MetricEncoder<'_>, kind: MetricType, value: u64) -> fmt::Result {
    match kind {
        MetricType::Counter => metric.encode_counter::<NoLabelSet, _, u64>(&value, None),
        _ => metric.encode_gauge(&value),
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.reads.lock().keys()).finish()
    }
}
