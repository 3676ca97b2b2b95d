//! What the tables held before a write, so that a crash can take the write back.

use std::collections::BTreeMap;
use std::sync::Arc;

use dtm_core::model::Gid;
use dtm_store::{NodeName, Topic};

use super::Tables;
use super::nodes::Node;
use super::record::Record;

/// One entry of a table as it was before; `None`: it was not there.
#[derive(Debug, Clone)]
pub(crate) enum Before {
    Transaction(Gid, Option<Arc<Record>>),
    Topic(String, Option<Topic>),
    Node(NodeName, Option<Node>),
}

impl Tables {
    /// What the writes since the last call have replaced, in their order.
    pub(crate) fn take_journal(&mut self) -> Vec<Before> {
        std::mem::take(&mut self.journal)
    }

    /// Takes writes back; the last one first.
    pub(crate) fn undo(&mut self, journal: Vec<Before>) {
        for before in journal.into_iter().rev() {
            match before {
                Before::Transaction(gid, record) => self.put_transaction(&gid, record),
                Before::Topic(name, topic) => self.put_topic(&name, topic),
                Before::Node(name, node) => self.put_node(&name, node),
            }
        }
        self.journal.clear();
    }

    pub(super) fn put_transaction(&mut self, gid: &Gid, record: Option<Arc<Record>>) {
        let sequence = record.as_ref().map(|record| record.sequence);
        let before = put(&mut self.transactions, gid, record);
        if let Some(before) = &before {
            self.creation_order.remove(&before.sequence);
        }
        if let Some(sequence) = sequence {
            self.creation_order.insert(sequence, gid.clone());
        }
        self.journal.push(Before::Transaction(gid.clone(), before));
    }

    pub(super) fn put_topic(&mut self, name: &str, topic: Option<Topic>) {
        let name = name.to_owned();
        let before = put(&mut self.topics, &name, topic);
        self.journal.push(Before::Topic(name, before));
    }

    pub(super) fn put_node(&mut self, name: &NodeName, node: Option<Node>) {
        let before = put(&mut self.nodes, name, node);
        self.journal.push(Before::Node(name.clone(), before));
    }
}

fn put<K: Ord + Clone, V>(table: &mut BTreeMap<K, V>, key: &K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => table.insert(key.clone(), value),
        None => table.remove(key),
    }
}
