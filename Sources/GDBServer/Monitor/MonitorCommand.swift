import Debugger

/// `qRcmd`: a line for the debugger, in QEMU's spelling or the shell's.
struct MonitorCommand {
  let session: DebuggerSession
  let shell: Shell
  /// Words in front of a line that make it the shell's, whatever QEMU means by it.
  static let shellPrefix = "pw "

  /// What is printed.
  func perform(_ line: String) -> [String] {
    let isForShell = line.hasPrefix(Self.shellPrefix)
    if !isForShell, let lines = QEMUMonitor(session: session).answer(line) { return lines }
    let text = isForShell ? String(line.dropFirst(Self.shellPrefix.count)) : line
    let before = place
    var lines: [String]
    switch shell.execute(text, repeats: false) {
    case .done(let answer): lines = answer
    case .failed(let message): lines = [message]
    }
    if place != before {
      lines.append("the guest has moved: 'maintenance flush register-cache' lets gdb see where it stands")
    }
    return lines
  }

  /// Where the guest stands, with all that gdb may have remembered of it.
  private var place: [UInt64] {
    let registers = session.machine.registers
    return [session.machine.cycle, UInt64(registers.eip), UInt64(registers.eflags)]
      + registers.general.map(UInt64.init)
  }
}
