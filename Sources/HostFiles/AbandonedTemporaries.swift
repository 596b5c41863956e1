import Glibc

/// Temporary files of processes that were killed before they could remove them.
enum AbandonedTemporaries {
  /// What the name of a temporary file begins with, up to the process's number.
  static func start(of name: String) -> String {
    // NAME_MAX is 255.
    let bytes = HostName.bytes(name).prefix(180)
    return ".\(HostName.string(bytes)).pagewalk-"
  }

  /// Removes those of the file `name` in `folder` whose process is gone, and no others.
  static func remove(of name: String, in folder: String) {
    guard let stream = opendir(HostName.cString(folder)) else { return }
    defer { closedir(stream) }
    let start = HostName.bytes(start(of: name))
    while let entry = readdir(stream) {
      let found = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { HostName.bytes(HostName.string(cString: $0)) }
      }
      guard found.starts(with: start), let process = process(found.dropFirst(start.count)) else { continue }
      if kill(process, 0) != 0, errno == ESRCH {
        unlink(HostName.cString("\(folder)/\(HostName.string(found))"))
      }
    }
  }

  /// 123 of "123-4".
  private static func process(_ text: ArraySlice<UInt8>) -> pid_t? {
    let numbers = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map { digits in
      digits.allSatisfy { (0x30...0x39).contains($0) } ? pid_t(String(decoding: digits, as: UTF8.self)) : nil
    }
    guard numbers.count == 2, let process = numbers[0], process > 0, numbers[1] != nil else { return nil }
    return process
  }
}
