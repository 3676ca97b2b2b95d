//! One batch: one script for a single server, one for each shard of a cluster.
//!
//! A script with many operations costs Redis half of what a script for each would: one command to read and to look up, and
//! one turn of its loop, at whose end it flushes.

use std::collections::BTreeMap;

use redis::Value;

use crate::client::{Insist, Kind};
use crate::fault::{Fault, reported};
use crate::keys::Place;
use crate::operation::Operation;
use crate::reply::strange;
use crate::scripts::{Call, WRITE};
use crate::store::Redis;
use crate::trans::Words;

/// How many bytes of texts one script gets at most, unless a single operation has more: Redis keeps all of a command in
/// memory before it begins.
const LARGEST: usize = 1 << 20;

/// What one script does: operations by their numbers.
#[derive(Debug)]
struct Part {
    place: Place,
    operations: Vec<usize>,
    size: usize,
}

impl Redis {
    /// Executes operations; the answer to each, in their order.
    pub(crate) async fn write_all(
        &self,
        insist: Insist,
        operations: &[&Operation],
    ) -> Vec<Result<Value, Fault>> {
        let parts = self.parts(operations);
        let calls: Vec<Call> = parts.iter().map(|part| self.call(part, operations)).collect();
        let answers = self.client.run_as(insist, Kind::Write, &calls).await;
        let mut results: Vec<Result<Value, Fault>> =
            operations.iter().map(|_| Err(strange(&"it is missing"))).collect();
        for (part, answer) in parts.iter().zip(answers) {
            let numbers = part.operations.iter().copied();
            match answer {
                Ok(Value::Array(values)) if values.len() == part.operations.len() => {
                    numbers.zip(values).for_each(|(number, value)| results[number] = result(value));
                }
                Ok(other) => {
                    let fault = strange(&format!("{other:?} instead of {} results", part.operations.len()));
                    numbers.for_each(|number| results[number] = Err(fault.clone()));
                }
                Err(fault) => numbers.for_each(|number| results[number] = Err(fault.clone())),
            }
        }
        results
    }

    fn parts(&self, operations: &[&Operation]) -> Vec<Part> {
        parts(operations.iter().map(|operation| {
            let shard = self.keys.shard_of(operation.gid().as_str()).place();
            (if self.client.apart { shard } else { self.keys.everywhere() }, operation.size())
        }))
    }

    fn call(&self, part: &Part, operations: &[&Operation]) -> Call {
        let mut words = Words::default();
        for number in &part.operations {
            self.write(operations[*number], &mut words);
        }
        WRITE.call(part.place, &words.keys).arg(self.given_now()).arg(&words.arguments)
    }
}

/// What the script says about one operation.
fn result(value: Value) -> Result<Value, Fault> {
    match value {
        Value::ServerError(error) => Err(reported(&error)),
        value => Ok(value),
    }
}

/// Which operations go together, by their places and sizes. Those of one place keep their order.
fn parts(operations: impl Iterator<Item = (Place, usize)>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut open: BTreeMap<Place, usize> = BTreeMap::new();
    for (number, (place, size)) in operations.enumerate() {
        let part = open.get(&place).map(|index| &mut parts[*index]);
        if let Some(part) = part.filter(|part| part.size + size <= LARGEST) {
            part.operations.push(number);
            part.size += size;
        } else {
            open.insert(place, parts.len());
            parts.push(Part { place, operations: vec![number], size });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(operations: &[(usize, usize)]) -> Vec<(usize, Vec<usize>)> {
        let parts = parts(operations.iter().map(|(place, size)| (Place(*place), *size)));
        parts.into_iter().map(|part| (part.place.0, part.operations)).collect()
    }

    #[test]
    fn what_lies_in_one_place_is_one_script_in_its_order() {
        let operations = [(1, 10), (2, 10), (1, 10), (1, 10), (2, 10)];
        assert_eq!(numbers(&operations), [(1, vec![0, 2, 3]), (2, vec![1, 4])]);
        assert_eq!(numbers(&[]), []);
    }

    #[test]
    fn a_script_does_not_grow_without_bound() {
        let operations = [(1, LARGEST - 10), (1, 10), (1, 1), (1, LARGEST * 3), (1, 1)];
        assert_eq!(numbers(&operations), [(1, vec![0, 1]), (1, vec![2]), (1, vec![3]), (1, vec![4])]);
    }
}
