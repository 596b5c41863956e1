import Glibc

/// The host's side of the guest's serial line: standard input and output.
struct Console: ~Copyable {
  private let input: Int32
  private let output: Int32
  /// What is typed, instead of what comes from `input`.
  private var script: ArraySlice<UInt8>?
  private var buffer: [UInt8] = []
  /// Whether more input may come. False once the other side has closed.
  private(set) var isOpen = true
  /// Whether what the guest sends still arrives anywhere.
  private(set) var isListening = true

  /// Bytes are held back until so many have come or `flush` is called.
  private static let bufferSize = 4096

  init(input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO) {
    self.input = input
    self.output = output
    buffer.reserveCapacity(Self.bufferSize)
  }

  /// A console that types `script` and then closes. What the guest sends goes to `output`, or nowhere.
  init(typing script: [UInt8], output: Int32?) {
    self.init(input: -1, output: output ?? -1)
    self.script = script[...]
    isOpen = !script.isEmpty
    isListening = output != nil
  }

  deinit { if isListening { FileOutput.write(buffer[...], to: output) } }

  /// Sends a byte from the guest to the host.
  mutating func send(_ byte: UInt8) {
    buffer.append(byte)
    if buffer.count >= Self.bufferSize { flush() }
  }

  /// Makes everything sent so far visible.
  mutating func flush() {
    guard !buffer.isEmpty else { return }
    if isListening { isListening = FileOutput.write(buffer[...], to: output) }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Up to `limit` bytes from the host that are there already; it doesn't wait.
  mutating func receive(atMost limit: Int) -> [UInt8] {
    guard isOpen, limit > 0, wait(milliseconds: 0) else { return [] }
    if let rest = script {
      script = rest.dropFirst(limit)
      isOpen = rest.count > limit
      return Array(rest.prefix(limit))
    }
    var closed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
      let count = read(input, buffer.baseAddress, limit)
      filled = max(count, 0)
      closed = count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)
    }
    if closed { isOpen = false }
    return bytes
  }

  /// Waits until input is there, the time is over (never, if negative) or a signal comes. Returns whether input, or
  /// its end, is there.
  func wait(milliseconds: Int32) -> Bool {
    if script != nil { return true }
    var request = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, milliseconds) > 0
  }
}
