//! Names of keys, and the shard of a transaction.

use dtm_store::OwnerToken;

/// Where something lies: in a shard, or with what the whole store shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(pub(crate) usize);

/// The names of all keys of a store.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
    shards: u16,
}

/// The keys of a transaction's shard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shard<'a> {
    keys: &'a Keys,
    number: usize,
}

impl Keys {
    pub(crate) const fn new(prefix: String, shards: u16) -> Self {
        Self { prefix, shards }
    }

    /// How many shards there are; the place behind the last is that of the whole store.
    pub(crate) const fn shards(&self) -> usize {
        self.shards as usize
    }

    pub(crate) const fn everywhere(&self) -> Place {
        Place(self.shards as usize)
    }

    /// The shard of a transaction; it never changes.
    pub(crate) fn shard_of(&self, gid: &str) -> Shard<'_> {
        self.shard((crc32fast::hash(gid.as_bytes()) % u32::from(self.shards)) as usize)
    }

    pub(crate) const fn shard(&self, number: usize) -> Shard<'_> {
        Shard { keys: self, number }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Shard<'_>> {
        (0..self.shards()).map(|number| self.shard(number))
    }

    /// A key of the whole store.
    pub(crate) fn shared(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.prefix)
    }

    /// Any key at a place, for the question in which slot it lies.
    pub(crate) fn any(&self, place: Place) -> String {
        if place == self.everywhere() { self.shared("health") } else { self.shard(place.0).key("health") }
    }
}

impl Shard<'_> {
    pub(crate) const fn place(&self) -> Place {
        Place(self.number)
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{{{}:{}}}:{name}", self.keys.prefix, self.number)
    }

    pub(crate) fn record(&self, gid: &str) -> String {
        format!("{{{}:{}}}:transaction:{gid}", self.keys.prefix, self.number)
    }

    pub(crate) fn branches(&self, gid: &str) -> String {
        format!("{{{}:{}}}:branches:{gid}", self.keys.prefix, self.number)
    }

    /// What that holder has, by due time; nothing stands for nobody.
    pub(crate) fn due(&self, holder: &str) -> String {
        format!("{{{}:{}}}:due:{holder}", self.keys.prefix, self.number)
    }
}

/// Who holds a transaction, as indexes have it.
pub(crate) fn holder_of(token: &OwnerToken) -> String {
    format!("{}:{}", token.node.as_str(), token.epoch.0)
}

/// The same; nothing when it was released.
pub(crate) fn holder(token: &OwnerToken, held: bool) -> String {
    if held { holder_of(token) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_of_a_gid_never_changes_and_all_its_keys_have_its_tag() {
        let keys = Keys::new("dtm".to_owned(), 64);
        let shard = keys.shard_of("order-1");
        assert_eq!(shard.record("order-1"), "{dtm:47}:transaction:order-1");
        assert_eq!(shard.due("a:7"), "{dtm:47}:due:a:7");
        assert_eq!(keys.shared("nodes"), "{dtm}:nodes");
        let used: std::collections::BTreeSet<_> =
            (0..10_000).map(|number| keys.shard_of(&format!("g{number}")).place()).collect();
        assert_eq!(used.len(), 64);
    }
}
