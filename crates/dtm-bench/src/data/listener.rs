//! Which process of this machine listens on a port (Linux, `/proc`).

use std::fs;

/// The process that listens on a TCP port, when it runs on this machine and may be looked at. Children may have
/// inherited the socket: the parent, which is the oldest, has the smallest number.
pub(crate) fn listener(port: u16) -> Option<u32> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| listening(&table, port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?;
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| holds_one_of(*pid, &inodes))
        .min()
}

fn holds_one_of(pid: u32, inodes: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).any(|target| {
        let target = target.to_string_lossy();
        let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        inode.is_some_and(|inode| inodes.iter().any(|it| it == inode))
    })
}

/// The inodes of the sockets that listen on a port.
fn listening(table: &str, port: u16) -> Vec<String> {
    let port = format!(":{port:04X}");
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(1)?.ends_with(&port) && *fields.get(3)? == "0A";
            listens.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_that_listen_on_that_port_are_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:8E92 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1234 1 0\n\
            1: 0100007F:8E92 0100007F:0001 01 00000000:00000000 00:00000000 00000000 0 0 5678 1 0\n\
            2: 0100007F:8E93 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 9999 1 0\n";
        assert_eq!(listening(table, 0x8E92), ["1234"]);
    }

    #[test]
    fn this_process_is_found_by_the_port_that_it_listens_on() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listener(socket.local_addr().unwrap().port()), Some(std::process::id()));
    }
}
