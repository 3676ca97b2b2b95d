//! Promises about listings (R15: each transaction exactly once).

use std::time::Duration;

use dtm_core::model::{Mode, Status};

use super::StoreUnderTest;
use super::fixtures::{claim, commit_of, create_held, create_released, finish, join, load, saga, tcc};
use crate::{Cursor, Error, Filter, Listed, Store};

fn gids(listed: &[Listed]) -> Vec<String> {
    listed.iter().map(|listed| listed.definition.gid.to_string()).collect()
}

async fn all(store: &dyn Store, filter: &Filter, limit: usize) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.scan(filter, after.as_ref(), limit).await.unwrap();
        assert!(page.transactions.len() <= limit);
        assert_eq!(page.next.is_none(), page.transactions.len() < limit, "a short page is the last one");
        found.extend(gids(&page.transactions));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// A listing begins with the newest, and shows definition, state, owner and due time as they are stored.
pub async fn a_listing_goes_from_the_newest_to_the_oldest(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let tokens = join(&*store, "a").await;
    for id in ["b", "a", "d", "c"] {
        create_held(under_test, saga(id, under_test.now()), &tokens).await;
        under_test.advance(Duration::from_millis(5)).await;
    }
    for limit in [1, 2, 3, 4, 5, 100] {
        assert_eq!(all(&*store, &Filter::default(), limit).await, ["c", "d", "a", "b"], "pages of {limit}");
    }
    let page = store.scan(&Filter::default(), None, 1).await.unwrap();
    let stored = load(&*store, "c").await;
    let expected = Listed {
        definition: stored.transaction.definition,
        state: stored.transaction.state,
        owner: stored.owner,
        due: stored.due,
    };
    assert_eq!(page.transactions, [expected]);
}

/// Whatever happens between two pages, what is there all the time is shown exactly once.
pub async fn a_listing_shows_each_exactly_once_while_rows_change_and_new_ones_come(
    under_test: &mut impl StoreUnderTest,
) {
    let store = under_test.store();
    let tokens = join(&*store, "a").await;
    for index in 0..40 {
        create_released(under_test, saga(&format!("g{index}"), under_test.now()), &tokens, under_test.now())
            .await;
        under_test.advance(Duration::from_millis(1)).await;
    }
    let (mut found, mut after, mut round) = (Vec::new(), None, 0);
    loop {
        let page = store.scan(&Filter::default(), after.as_ref(), 7).await.unwrap();
        found.extend(gids(&page.transactions));
        let Some(next) = page.next else { break };
        after = Some(next);
        create_held(under_test, saga(&format!("new{round}"), under_test.now()), &tokens).await;
        claim(&*store, &tokens, 3).await;
        let changed = load(&*store, &format!("g{}", round * 3)).await;
        store.commit(commit_of(&changed, |state| state.failures += 1)).await.unwrap();
        finish(under_test, &format!("g{}", round * 3 + 1)).await;
        under_test.advance(Duration::from_millis(1)).await;
        round += 1;
    }
    let old: Vec<_> = found.iter().filter(|id| id.starts_with('g')).cloned().collect();
    assert_eq!(old, (0..40).rev().map(|index| format!("g{index}")).collect::<Vec<_>>());
}

/// Status, mode and time of creation; both ends of the time count.
pub async fn a_filter_shows_what_matches_and_nothing_else(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let tokens = join(&*store, "a").await;
    let mut created = Vec::new();
    for (index, id) in ["s0", "t1", "s2", "t3", "s4"].into_iter().enumerate() {
        created.push(under_test.now());
        let transaction = if index % 2 == 0 { saga(id, under_test.now()) } else { tcc(id, under_test.now()) };
        create_held(under_test, transaction, &tokens).await;
        under_test.advance(Duration::from_millis(10)).await;
    }
    finish(under_test, "s2").await;
    let check = async |filter: Filter, expected: &[&str]| {
        for limit in [1, 2, 10] {
            assert_eq!(all(&*store, &filter, limit).await, expected, "{filter:?} in pages of {limit}");
        }
    };
    let any = Filter::default;
    check(any(), &["s4", "t3", "s2", "t1", "s0"]).await;
    check(Filter { status: Some(Status::Submitted), ..any() }, &["s4", "s0"]).await;
    check(Filter { status: Some(Status::Succeed), ..any() }, &["s2"]).await;
    check(Filter { status: Some(Status::Failed), ..any() }, &[]).await;
    check(Filter { mode: Some(Mode::Tcc), ..any() }, &["t3", "t1"]).await;
    check(Filter { mode: Some(Mode::Saga), status: Some(Status::Submitted), ..any() }, &["s4", "s0"]).await;
    check(Filter { created_from: Some(created[3]), ..any() }, &["s4", "t3"]).await;
    check(Filter { created_to: Some(created[1]), ..any() }, &["t1", "s0"]).await;
    let middle = Filter { created_from: Some(created[1]), created_to: Some(created[3]), ..any() };
    check(middle, &["t3", "s2", "t1"]).await;
}

/// A cursor that this store did not make is an error, not the beginning.
pub async fn a_cursor_of_another_store_is_refused(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("g", under_test.now()), &tokens).await;
    for text in ["", "another store:17", "-1", "99999999999999999999999999", "订单"] {
        let result = store.scan(&Filter::default(), Some(&Cursor(text.to_owned())), 10).await;
        assert!(matches!(result, Err(Error::Rejected { .. })), "{text:?}: {result:?}");
    }
}
