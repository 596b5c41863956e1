"""A guest whose symbols and console are HTML: an ELF file made here, byte by byte."""

import struct

TEXT = "</script><script>window.broken=1</script><img src=x onerror=window.broken=2>"
NAME = "<img/src=x/onerror=window.broken=3>"


def image():
    # mov esi, message; next: lodsb; test al, al; jz done; mov dx, 3fdh; wait: in; test 20h; jz wait; out 3f8h; jmp next; done: exit
    base = 0x100000
    message = TEXT.encode() + b"\n\0"
    code = bytearray()
    code += bytes([0xBE]) + struct.pack("<I", 0)  # mov esi, message
    loop = len(code)
    code += bytes([0xAC, 0x84, 0xC0, 0x74, 0x00])  # lodsb; test al, al; jz done
    jump = len(code) - 1
    code += bytes([0x88, 0xC4, 0x66, 0xBA, 0xFD, 0x03])  # mov ah, al; mov dx, 3fdh
    wait = len(code)
    code += bytes([0xEC, 0xA8, 0x20, 0x74, (wait - (len(code) + 5)) & 0xFF])  # in al, dx; test al, 20h; jz wait
    code += bytes([0x66, 0xBA, 0xF8, 0x03, 0x88, 0xE0, 0xEE])  # mov dx, 3f8h; mov al, ah; out dx, al
    code += bytes([0xEB, (loop - (len(code) + 2)) & 0xFF])
    code[jump] = len(code) - jump - 1
    code += bytes([0x31, 0xC0, 0xE6, 0xF4, 0xF4])  # xor eax, eax; out 0f4h, al; hlt
    struct.pack_into("<I", code, 1, base + 0x100)
    body = bytes(code).ljust(0x100, b"\0") + message
    names = b"\0" + NAME.encode() + b"\0"
    sections = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    offset = 0x1000
    symbols = bytes(16) + struct.pack("<IIIBBH", 1, base, len(body), 0x12, 0, 1)
    at_symbols = offset + len(body)
    at_names = at_symbols + len(symbols)
    at_sections = at_names + len(names)
    headers_at = (at_sections + len(sections) + 3) & ~3
    header = b"\x7fELF\1\1\1" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 3, 1, base, 52, headers_at, 0, 52, 32, 1, 40, 5, 4)
    segment = struct.pack("<IIIIIIII", 1, offset, base, base, len(body), len(body), 7, 0x1000)

    def section(name, kind, flags, address, at, size, link=0, info=0, align=1, entry=0):
        return struct.pack("<IIIIIIIIII", sections.index(name), kind, flags, address, at, size, link, info, align, entry)

    table = bytes(40) + section(b".text\0", 1, 6, base, offset, len(body)) + section(
        b".symtab\0", 2, 0, 0, at_symbols, len(symbols), 3, 1, 4, 16) + section(
        b".strtab\0", 3, 0, 0, at_names, len(names)) + section(b".shstrtab\0", 3, 0, 0, at_sections, len(sections))
    file = (header + segment).ljust(offset, b"\0") + body + symbols + names + sections
    return file.ljust(headers_at, b"\0") + table
