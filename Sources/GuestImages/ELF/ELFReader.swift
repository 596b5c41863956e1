import CElf
import Glibc

/// Reads ELF files with libelf and checks what libelf leaves to its callers.
///
/// The file is read as it stands in memory. Tables, segments and section contents are checked against its length
/// first, so that a damaged file is told from a whole one by a sentence and not by an odd guest.
struct ELFReader: ~Copyable {
  /// What was found, not yet judged as a whole.
  struct Parts {
    var entry: UInt32 = 0
    var segments: [Segment] = []
    var notes: [ELFNote] = []
    var sections: [Section] = []
    var sectionHeaderRange = 0..<0
    var sectionNamesIndex = 0
    var symbols: [Symbol] = []
  }

  static let expectedKind = "an ELF32 executable for i386"
  /// Symbols may share one string, so names can add up to far more than the file.
  private static let maxNameBytes = 64 << 20
  private static let maxSegments = 1024
  private static let headerSize = 52
  private static let programHeaderSize = 32
  private static let sectionHeaderSize = 40

  private let file: String
  private let length: Int
  private let bytes: [UInt8]
  private let elf: OpaquePointer
  private var header = GElf_Ehdr()
  private var parts = Parts()

  static func read(file: String, bytes: [UInt8]) throws(GuestImageError) -> Parts {
    try checkIdentification(file: file, bytes: bytes)
    // The result leaves the closure as a value: closures of the standard library don't carry typed errors along.
    let result: Result<Parts, GuestImageError> = bytes.withUnsafeBytes { buffer in
      do throws(GuestImageError) {
        var reader = try ELFReader(file: file, bytes: bytes, buffer: buffer)
        return .success(try reader.readAll())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// The first 16 bytes, `e_ident`, and that the rest of the header is there.
  private static func checkIdentification(file: String, bytes: [UInt8]) throws(GuestImageError) {
    guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
      throw GuestImageError(
        file: file, .notELF, "not an ELF file (\(describeStart(bytes)))",
        expected: "\(expectedKind), such as `make images` puts into .build/images")
    }
    guard bytes.count >= headerSize else {
      throw GuestImageError(
        file: file, .truncated, "the ELF header is cut off after \(bytes.count) bytes", expected: expectedKind
      )
    }
    guard bytes[4] == UInt8(ELFCLASS32) else {
      let what =
        bytes[4] == UInt8(ELFCLASS64) ? "a 64-bit ELF file" : "an ELF file of unknown class \(bytes[4])"
      throw GuestImageError(
        file: file, .wrongClass, what, expected: "\(expectedKind) (clang -target i686-unknown-none-elf)")
    }
    guard bytes[5] == UInt8(ELFDATA2LSB) else {
      let what =
        bytes[5] == UInt8(ELFDATA2MSB) ? "a big-endian ELF file" : "an ELF file of unknown byte order"
      throw GuestImageError(file: file, .wrongByteOrder, what, expected: "\(expectedKind), little-endian")
    }
  }

  /// What a file that isn't ELF begins with, for people.
  private static func describeStart(_ bytes: [UInt8]) -> String {
    if bytes.isEmpty { return "it is empty" }
    let start = bytes.prefix(8)
    if start.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) {
      let line = start.prefix { $0 >= 0x20 }
      return "it begins with the text \"\(String(decoding: line, as: UTF8.self))\""
    }
    let digits = start.prefix(4).map { ($0 < 16 ? "0" : "") + hex($0) }
    return "it begins with the bytes \(digits.joined(separator: " "))"
  }

  private init(file: String, bytes: [UInt8], buffer: UnsafeRawBufferPointer) throws(GuestImageError) {
    guard elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE), let base = buffer.baseAddress else {
      throw GuestImageError(
        file: file, .malformed, "libelf refuses to start", expected: "libelf 0.1 or later")
    }
    // libelf wants a mutable pointer for its writing modes; elf_memory opens for reading.
    let start = UnsafeMutableRawPointer(mutating: base).assumingMemoryBound(to: CChar.self)
    guard let elf = elf_memory(start, buffer.count) else {
      throw GuestImageError(
        file: file, .malformed, "libelf can't read it (\(ELFReader.libelfMessage()))",
        expected: ELFReader.expectedKind)
    }
    self.file = file
    self.elf = elf
    self.bytes = bytes
    length = buffer.count
  }

  deinit { elf_end(elf) }

  private static func libelfMessage() -> String { String(cString: elf_errmsg(-1)) }

  private mutating func readAll() throws(GuestImageError) -> Parts {
    try readHeader()
    try readSegments()
    try readSections()
    return parts
  }

  // MARK: Header and segments

  private mutating func readHeader() throws(GuestImageError) {
    guard gelf_getehdr(elf, &header) != nil else { throw malformed("the ELF header is damaged") }
    guard header.e_machine == UInt16(EM_386) else {
      throw GuestImageError(
        file: file, .wrongMachine, "an ELF file for another machine (e_machine is \(header.e_machine))",
        expected: "\(Self.expectedKind) (e_machine 3)")
    }
    guard header.e_type == UInt16(ET_EXEC) else {
      let what =
        switch Int32(header.e_type) {
        case ET_REL: "an object file that was not linked"
        case ET_DYN: "a shared object or position-independent executable"
        case ET_CORE: "a core dump"
        default: "an ELF file of unknown type \(header.e_type)"
        }
      throw GuestImageError(
        file: file, .wrongType, what, expected: "\(Self.expectedKind), linked statically at a fixed address")
    }
    guard header.e_version == UInt32(EV_CURRENT) else {
      throw malformed("the ELF header has version \(header.e_version)")
    }
    parts.entry = UInt32(truncatingIfNeeded: header.e_entry)
  }

  private mutating func readSegments() throws(GuestImageError) {
    guard header.e_phnum > 0 else { throw noSegments() }
    guard Int(header.e_phentsize) == Self.programHeaderSize else {
      throw malformed("its program headers are \(header.e_phentsize) bytes long instead of 32")
    }
    // The program headers that e_phnum counts have to be there before libelf looks: it only answers 0 otherwise.
    try checkInside(
      offset: header.e_phoff, size: UInt64(header.e_phnum) * UInt64(Self.programHeaderSize),
      what: "the program header table")
    var count = 0
    guard elf_getphdrnum(elf, &count) == 0 else { throw malformed("its program headers can't be counted") }
    for index in 0..<count {
      var program = GElf_Phdr()
      guard gelf_getphdr(elf, Int32(index), &program) != nil else {
        throw malformed("program header \(index) can't be read")
      }
      if program.p_type == UInt32(PT_INTERP) {
        throw GuestImageError(
          file: file, .wrongType, "a dynamically linked program that wants an interpreter",
          expected: "\(Self.expectedKind), linked statically")
      }
      if program.p_type == UInt32(PT_NOTE) { readNotes(program) }
      guard program.p_type == UInt32(PT_LOAD), program.p_memsz > 0 else { continue }
      parts.segments.append(try segment(program, index: index))
      guard parts.segments.count <= Self.maxSegments else {
        throw GuestImageError(
          file: file, .absurdSize, "it has more than \(Self.maxSegments) loadable segments",
          expected: "\(Self.expectedKind) in good order")
      }
    }
    if parts.segments.isEmpty { throw noSegments() }
  }

  /// Notes only add to what is known of a file: damaged ones are left out.
  private mutating func readNotes(_ program: GElf_Phdr) {
    let (end, overflow) = program.p_offset.addingReportingOverflow(program.p_filesz)
    guard !overflow, end <= UInt64(length), parts.notes.count < ELFNote.maxCount else { return }
    parts.notes += ELFNote.read(bytes[Int(program.p_offset)..<Int(end)])
  }

  private func segment(_ program: GElf_Phdr, index: Int) throws(GuestImageError) -> Segment {
    try checkInside(offset: program.p_offset, size: program.p_filesz, what: "segment \(index)")
    guard program.p_filesz <= program.p_memsz else {
      throw GuestImageError(
        file: file, .absurdSize,
        "segment \(index) has \(program.p_filesz) bytes in the file for \(program.p_memsz) bytes of memory",
        expected: "p_filesz at most p_memsz")
    }
    for (start, name) in [(program.p_paddr, "physical"), (program.p_vaddr, "virtual")]
    where start + program.p_memsz > 1 << 32 {
      throw GuestImageError(
        file: file, .absurdSize,
        "segment \(index) is \(program.p_memsz) bytes long at \(name) address 0x\(hex(start)), past 4 GiB",
        expected: "a segment that ends below 4 GiB")
    }
    return Segment(
      index: index, physical: UInt32(program.p_paddr), virtual: UInt32(program.p_vaddr),
      fileRange: Int(program.p_offset)..<Int(program.p_offset + program.p_filesz),
      memorySize: UInt32(program.p_memsz), flags: SegmentFlags(rawValue: program.p_flags))
  }

  // MARK: Sections and symbols

  private mutating func readSections() throws(GuestImageError) {
    guard header.e_shoff != 0 else { return }
    // The table's first entry holds the count where e_shnum can't, so it has to be there before libelf looks.
    try checkInside(
      offset: header.e_shoff, size: UInt64(max(header.e_shnum, 1)) * UInt64(Self.sectionHeaderSize),
      what: "the section header table")
    guard Int(header.e_shentsize) == Self.sectionHeaderSize else {
      throw malformed("its section headers are \(header.e_shentsize) bytes long instead of 40")
    }
    var count = 0
    var names = 0
    guard elf_getshdrnum(elf, &count) == 0 else { throw malformed("its section count can't be read") }
    let (size, overflow) = UInt64(count).multipliedReportingOverflow(by: UInt64(Self.sectionHeaderSize))
    try checkInside(offset: header.e_shoff, size: overflow ? .max : size, what: "the section header table")
    guard elf_getshdrstrndx(elf, &names) == 0 else { throw malformed("its section names can't be found") }
    parts.sectionHeaderRange = Int(header.e_shoff)..<Int(header.e_shoff + size)
    parts.sectionNamesIndex = names
    for index in 0..<count {
      var section = GElf_Shdr()
      guard let handle = elf_getscn(elf, index), gelf_getshdr(handle, &section) != nil else {
        throw malformed("section header \(index) can't be read")
      }
      let name = string(at: Int(section.sh_name), in: names) ?? ""
      let hasBytes = section.sh_type != UInt32(SHT_NOBITS) && section.sh_type != UInt32(SHT_NULL)
      if hasBytes {
        try checkInside(offset: section.sh_offset, size: section.sh_size, what: "section \(index)")
      }
      let start = hasBytes ? Int(section.sh_offset) : 0
      parts.sections.append(
        Section(
          name: name, type: section.sh_type, address: UInt32(truncatingIfNeeded: section.sh_addr),
          fileRange: start..<start + (hasBytes ? Int(section.sh_size) : 0),
          isLoaded: section.sh_flags & UInt64(SHF_ALLOC) != 0))
      // The specification allows one symbol table; a second would only be read for nothing.
      if section.sh_type == UInt32(SHT_SYMTAB), parts.symbols.isEmpty {
        try readSymbols(of: handle, section, index: index)
      }
    }
  }

  private mutating func readSymbols(
    of handle: OpaquePointer, _ section: GElf_Shdr, index: Int
  ) throws(GuestImageError) {
    guard section.sh_size > 0 else { return }
    var nameBytes = 0
    guard section.sh_entsize == 16, let data = elf_getdata(handle, nil) else {
      throw malformed("its symbol table (section \(index)) is damaged (\(Self.libelfMessage()))")
    }
    for number in 0..<Int32(clamping: section.sh_size / 16) {
      var raw = GElf_Sym()
      guard gelf_getsym(data, number, &raw) != nil else {
        throw malformed("symbol \(number) of section \(index) can't be read")
      }
      guard let symbol = symbol(raw, names: Int(section.sh_link)) else { continue }
      parts.symbols.append(symbol)
      nameBytes += symbol.name.utf8.count
      if nameBytes > Self.maxNameBytes {
        throw GuestImageError(
          file: file, .absurdSize, "its symbol names take more than \(Self.maxNameBytes) bytes",
          expected: "\(Self.expectedKind) in good order")
      }
    }
  }

  /// The symbol `raw`, unless it names neither a place in the image nor a value: files, sections, undefined symbols.
  private func symbol(_ raw: GElf_Sym, names: Int) -> Symbol? {
    var kind: Symbol.Kind
    switch Int32(raw.st_info & 0xF) {
    case STT_FUNC: kind = .function
    case STT_OBJECT: kind = .object
    case STT_NOTYPE: kind = .label
    default: return nil
    }
    guard raw.st_shndx != UInt16(SHN_UNDEF) else { return nil }
    if raw.st_shndx == UInt16(SHN_ABS) {
      kind = .constant
    } else {
      guard raw.st_shndx < UInt16(SHN_LORESERVE) || raw.st_shndx == UInt16(SHN_XINDEX) else { return nil }
    }
    guard let name = string(at: Int(raw.st_name), in: names), !name.isEmpty else { return nil }
    return Symbol(
      name: name, address: UInt32(truncatingIfNeeded: raw.st_value),
      size: UInt32(truncatingIfNeeded: raw.st_size),
      kind: kind, isGlobal: Int32(raw.st_info >> 4) != STB_LOCAL)
  }

  /// The string at `offset` of the string table in section `section`; nil where there is none.
  private func string(at offset: Int, in section: Int) -> String? {
    guard section > 0, let text = elf_strptr(elf, section, offset) else { return nil }
    return String(cString: text)
  }

  // MARK: Errors

  private func checkInside(offset: UInt64, size: UInt64, what: String) throws(GuestImageError) {
    let (end, overflow) = offset.addingReportingOverflow(size)
    guard overflow || end > UInt64(length) else { return }
    throw GuestImageError(
      file: file, .truncated,
      "\(what) (\(size) bytes at offset \(offset)) reaches past the end of the file at \(length)",
      expected: "the whole file")
  }

  private func malformed(_ problem: String) -> GuestImageError {
    GuestImageError(file: file, .malformed, problem, expected: "\(Self.expectedKind) in good order")
  }

  private func noSegments() -> GuestImageError {
    GuestImageError(
      file: file, .noLoadableSegment, "it has no loadable segment",
      expected: "at least one PT_LOAD segment (link it with ld.lld -T SCRIPT)")
  }
}
