import Foundation

/// Registers before or after a program, EAX to EDI by number, and EFLAGS.
struct ProgramRegisters: Equatable {
  var general: [UInt32] = Array(repeating: 0, count: 8)
  var eflags: UInt32 = 0x202
}

/// A 32-bit process of the host that executes programs on the host's own processor.
///
/// It shares 192 KiB with us, which it sees at `base`: a data window, a stack and a page of code, as the emulated
/// machine has them at the same addresses. A program ends with a jump to `exitAddress`.
final class HostProcess {
  static let base: UInt32 = 0x40_0000
  static let size = 0x3_0000
  static let dataBytes = 0x2_0000
  static let codeAddress: UInt32 = 0x42_0000
  static let exitAddress: UInt32 = 0x42_f000
  private static let controlOffset = 0x2_e000

  /// What the process sees at `base`.
  let shared: UnsafeMutableRawPointer
  private let process = Process()
  private let requests = Pipe()
  private let answers = Pipe()
  private let file: URL
  private(set) var isAlive = true

  /// Why there can be no such process on this host; nil when there can.
  static let obstacle: String? = {
    #if os(Linux) && arch(x86_64)
      do {
        let host = try HostProcess()
        return host.execute(ProgramRegisters(), extraSegment: false) == nil
          ? "the host does not run 32-bit programs" : nil
      } catch {
        return "\(error)"
      }
    #else
      return "the host is no x86-64 Linux"
    #endif
  }()

  init() throws {
    let folder = FileManager.default.temporaryDirectory
    let identifier = UUID().uuidString
    file = folder.appendingPathComponent("pagewalk-host-\(identifier).shared")
    let executable = folder.appendingPathComponent("pagewalk-host-\(identifier)")
    defer { try? FileManager.default.removeItem(at: executable) }
    try Assembler.linkLinuxProgram(Self.source, to: executable)
    try Data(count: Self.size).write(to: file)
    let descriptor = open(file.path, O_RDWR)
    guard descriptor >= 0,
      let shared = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      shared != MAP_FAILED
    else { throw Assembler.Failure(description: "can't map \(file.path)") }
    close(descriptor)
    self.shared = shared
    // jmp [base + 2fff0h], where the process has put the address of its own end.
    let exit: [UInt8] = [0xff, 0x25, 0xf0, 0xff, 0x42, 0x00]
    (shared + 0x2_f000).copyMemory(from: exit, byteCount: exit.count)
    // An empty program: a jump there.
    let jump: [UInt8] = [0xe9, 0xfb, 0xef, 0x00, 0x00]
    (shared + 0x2_0000).copyMemory(from: jump, byteCount: jump.count)
    process.executableURL = executable
    process.arguments = [file.path]
    process.standardInput = requests
    process.standardOutput = answers
    process.standardError = FileHandle.nullDevice
    try process.run()
    // The first answer says that everything is in place.
    isAlive = readAnswer()
  }

  deinit {
    try? requests.fileHandleForWriting.close()
    process.waitUntilExit()
    munmap(shared, Self.size)
    try? FileManager.default.removeItem(at: file)
  }

  private func readAnswer() -> Bool {
    var byte: UInt8 = 0
    return read(answers.fileHandleForReading.fileDescriptor, &byte, 1) == 1
  }

  /// Runs the program at `codeAddress`; nil when the process died of it.
  /// - Parameter extraSegment: ES has `base` as its base, as FS always has, and not 0.
  func execute(_ registers: ProgramRegisters, extraSegment: Bool) -> ProgramRegisters? {
    guard isAlive else { return nil }
    let control = (shared + Self.controlOffset).assumingMemoryBound(to: UInt32.self)
    for index in 0..<8 { control[index] = registers.general[index] }
    control[8] = registers.eflags
    control[9] = Self.codeAddress
    control[10] = extraSegment ? 1 : 0
    var byte: UInt8 = 1
    guard write(requests.fileHandleForWriting.fileDescriptor, &byte, 1) == 1, readAnswer() else {
      isAlive = false
      return nil
    }
    var result = ProgramRegisters()
    for index in 0..<8 { result.general[index] = control[16 + index] }
    result.eflags = control[24]
    return result
  }

  /// The process: maps the file that its argument names, makes the segment, then runs what is asked of it.
  private static let source = """
    .equ BASE, 0x400000
    .equ CONTROL, BASE + 0x2e000
    .globl _start
    _start:
      mov ebx, [esp + 8]
      mov ecx, 2              # O_RDWR
      mov eax, 5              # open
      int 0x80
      test eax, eax
      js die
      mov edi, eax
      mov ebx, BASE
      mov ecx, 0x30000
      mov edx, 7              # PROT_READ | PROT_WRITE | PROT_EXEC
      mov esi, 0x11           # MAP_SHARED | MAP_FIXED
      xor ebp, ebp
      mov eax, 192            # mmap2
      int 0x80
      cmp eax, BASE
      jne die
      mov eax, 243            # set_thread_area
      lea ebx, descriptor
      int 0x80
      test eax, eax
      jnz die
      mov eax, descriptor
      lea eax, [eax * 8 + 3]
      mov selector, eax
      mov fs, ax
      mov dword ptr [BASE + 0x2fff0], offset finished
    answer:
      mov ebx, 1
      lea ecx, buffer
      mov edx, 1
      mov eax, 4              # write
      int 0x80
      cmp eax, 1
      jne die
      xor ebx, ebx
      lea ecx, buffer
      mov edx, 1
      mov eax, 3              # read
      int 0x80
      cmp eax, 1
      jne die
      mov saved, esp
      cmp dword ptr [CONTROL + 40], 0
      je 1f
      mov eax, selector
      mov es, ax
    1:
      push dword ptr [CONTROL + 32]
      popfd
      mov eax, [CONTROL]
      mov ecx, [CONTROL + 4]
      mov edx, [CONTROL + 8]
      mov ebx, [CONTROL + 12]
      mov esp, [CONTROL + 16]
      mov ebp, [CONTROL + 20]
      mov esi, [CONTROL + 24]
      mov edi, [CONTROL + 28]
      jmp dword ptr [CONTROL + 36]
    finished:
      mov [CONTROL + 64], eax
      mov [CONTROL + 68], ecx
      mov [CONTROL + 72], edx
      mov [CONTROL + 76], ebx
      mov [CONTROL + 80], esp
      mov [CONTROL + 84], ebp
      mov [CONTROL + 88], esi
      mov [CONTROL + 92], edi
      mov esp, saved
      pushfd
      pop dword ptr [CONTROL + 96]
      push 0x202
      popfd
      mov eax, ds
      mov es, eax
      jmp answer
    die:
      mov ebx, 1
      mov eax, 1              # exit
      int 0x80
    .data
    descriptor: .long -1, BASE, 0xfffff, 0x51
    selector: .long 0
    saved: .long 0
    buffer: .long 0
    """
}
