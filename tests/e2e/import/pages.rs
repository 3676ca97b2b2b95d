//! More than fits into one page of the source.

use super::command::import;
use super::refusals::filled;
use super::source::Kind;

#[tokio::test]
async fn what_lies_on_the_edge_of_a_page_keeps_its_branches() {
    let Some((source, _, place)) = filled(Kind::Postgres).await else { return };
    // 900 more of the same, whose branches lie between those of others, and some topics.
    source.execute(
        "insert into trans_global (id, gid, trans_type, status, query_prepared, protocol, create_time, update_time, options,
             custom_data, next_cron_interval, next_cron_time)
         select 10000 + n, 'more-' || n, trans_type, status, query_prepared, protocol, create_time, update_time, options, custom_data,
             next_cron_interval, next_cron_time
         from trans_global, generate_series(1, 900) n where gid = 'saga-at-action-2';
         insert into trans_branch_op (id, gid, url, bin_data, branch_id, op, status, create_time, update_time)
         select 10000 + row_number() over (order by branch_id, op desc, n), 'more-' || n, url, bin_data, branch_id, op, status, create_time, update_time
         from trans_branch_op, generate_series(900, 1, -1) n where gid = 'saga-at-action-2';
         insert into kv (id, cat, k, v) select 10000 + n, 'topics', 'topic-' || n, '[]' from generate_series(1, 900) n;",
    );
    let imported = import(&source, &place, &[]).await;
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!((imported.line("all"), imported.line("topics")), (vec![937, 0, 0, 11], vec![904, 0, 0, 0]));
}
