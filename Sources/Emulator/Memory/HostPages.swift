import Glibc

/// Zeroed memory that costs host pages only where it is touched, for tables that are large and mostly empty.
func zeroedPages<T>(of type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
  let bytes = max(1, count * MemoryLayout<T>.stride)
  let start = mmap(
    nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard let start, start != MAP_FAILED else {
    fatalError("the host has no room for \(bytes) bytes of tables")
  }
  return start.bindMemory(to: type, capacity: count)
}

/// Gives back what `zeroedPages` gave.
func releasePages<T>(_ pages: UnsafeMutablePointer<T>, count: Int) {
  munmap(pages, max(1, count * MemoryLayout<T>.stride))
}
