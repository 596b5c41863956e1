import Foundation

/// The process that executes on the host's own processor what it is asked to: Tests/VectorHelper.
final class VectorHost {
  private static let pages = 0x6_0000
  private static let header = 64
  private static let requestSize = 0x20_0000
  /// States of one request.
  static let batch = (requestSize - header) / VectorState.size

  private let shared: UnsafeMutableRawPointer
  private let process = Process()
  private let requests = Pipe()
  private let answers = Pipe()
  private let file: URL
  private(set) var isAlive = true

  /// Why there can be no such process on this host; nil when there can.
  static let obstacle: String? = {
    #if os(Linux) && arch(x86_64)
      do {
        let host = try VectorHost()
        guard host.isAlive else { return "the host does not run 32-bit programs" }
        let states = host.run([], [VectorState()])
        return states?.first?.vector == VectorState.noException
          ? nil : "the host does not run 32-bit programs as it should"
      } catch {
        return "\(error)"
      }
    #else
      return "the host is no x86-64 Linux"
    #endif
  }()

  /// The host's processor, by its own name.
  static var processorName: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    func field(_ name: String) -> String {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name + "\t") }
      return line?.split(separator: ":").last.map { $0.drop { $0 == " " } }.map(String.init) ?? "unknown"
    }
    return "\(field("model name")), family \(field("cpu family")), model \(field("model")), "
      + "stepping \(field("stepping"))"
  }

  init() throws {
    let folder = FileManager.default.temporaryDirectory
    let identifier = UUID().uuidString
    file = folder.appendingPathComponent("pagewalk-vectors-\(identifier).shared")
    let executable = folder.appendingPathComponent("pagewalk-vectors-\(identifier)")
    defer { try? FileManager.default.removeItem(at: executable) }
    try Assembler.linkLinuxProgram(c: Self.source, to: executable)
    let size = Self.pages + Self.requestSize
    try Data(count: size).write(to: file)
    let descriptor = open(file.path, O_RDWR)
    guard descriptor >= 0,
      let shared = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), shared != MAP_FAILED
    else { throw Assembler.Failure(description: "can't map \(file.path)") }
    close(descriptor)
    self.shared = shared
    memset(shared + Int(VectorState.code - 0x40_0000), 0xf4, 0x2000)
    process.executableURL = executable
    process.arguments = [file.path]
    process.standardInput = requests
    process.standardOutput = answers
    process.standardError = FileHandle.nullDevice
    try process.run()
    isAlive = readAnswer() && request.load(fromByteOffset: 4, as: UInt32.self) == UInt32(VectorState.size)
  }

  private static let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../VectorHelper/vector-helper.c").standardizedFileURL

  deinit {
    try? requests.fileHandleForWriting.close()
    process.waitUntilExit()
    munmap(shared, Self.pages + Self.requestSize)
    try? FileManager.default.removeItem(at: file)
  }

  private var request: UnsafeMutableRawPointer { shared + Self.pages }

  private func readAnswer() -> Bool {
    var byte: UInt8 = 0
    return read(answers.fileHandleForReading.fileDescriptor, &byte, 1) == 1
  }

  /// Executes `code` from each of the states, `batch` at most. The states afterwards, or nil when the process died of it.
  func run(_ code: [UInt8], _ states: [VectorState]) -> [VectorState]? {
    guard isAlive, states.count <= Self.batch else { return nil }
    let place = shared + Int(VectorState.start - 0x40_0000)
    memset(place, 0xf4, 0x200)
    place.copyMemory(from: code, byteCount: code.count)
    request.storeBytes(of: UInt32(states.count), as: UInt32.self)
    let first = request + Self.header
    for (index, state) in states.enumerated() {
      (first + index * VectorState.size).copyMemory(from: state.bytes, byteCount: VectorState.size)
    }
    var byte: UInt8 = 1
    guard write(requests.fileHandleForWriting.fileDescriptor, &byte, 1) == 1, readAnswer() else {
      isAlive = false
      return nil
    }
    return states.indices.map { index in
      let bytes = UnsafeRawBufferPointer(start: first + index * VectorState.size, count: VectorState.size)
      var state = VectorState(bytes: [UInt8](bytes))
      state.forgetTheEnd(code)
      return state
    }
  }
}

extension VectorState {
  /// Bits of EFLAGS that programs see and change, but for ID, which Linux keeps from one state to the next.
  static let flags: UInt32 = 0x4_4ed5

  /// Takes out the exception of the HLT that ends every program, and what is the host's own.
  mutating func forgetTheEnd(_ code: [UInt8]) {
    let offset = Int(eip &- Self.start)
    let isInCode = eip &- Self.code < 0x2000
    let isEnd = isInCode && (offset < 0 || offset >= code.count)
    if vector == 13 && isEnd && value(Place.errorCode, as: UInt16.self) == 0 {
      put(Self.noException, Place.vector)
    }
    put(eflags & Self.flags, Place.eflags)
    // That it was an instruction fetch the processor says only where pages can forbid it.
    if vector == 14 { put(value(Place.errorCode, as: UInt16.self) & ~0x10, Place.errorCode) }
  }
}
