#pragma once

#include <cstdint>

namespace spikelens {

/// The opcodes that are read, by the text of Python's pickletools.
enum PickleOpcode : uint8_t {
    op_mark = '(',
    op_stop = '.',
    op_pop = '0',
    op_pop_mark = '1',
    op_dup = '2',
    op_binbytes = 'B',
    op_short_binbytes = 'C',
    op_binfloat = 'G',
    op_binint = 'J',
    op_binint1 = 'K',
    op_binint2 = 'M',
    op_none = 'N',
    op_binpersid = 'Q',
    op_reduce = 'R',
    op_binstring = 'T',
    op_short_binstring = 'U',
    op_binunicode = 'X',
    op_empty_list = ']',
    op_append = 'a',
    op_build = 'b',
    op_global = 'c',
    op_dict = 'd',
    op_appends = 'e',
    op_binget = 'h',
    op_inst = 'i',
    op_long_binget = 'j',
    op_list = 'l',
    op_binput = 'q',
    op_long_binput = 'r',
    op_setitem = 's',
    op_tuple = 't',
    op_setitems = 'u',
    op_empty_dict = '}',
    op_empty_tuple = ')',
    op_proto = 0x80,
    op_newobj,
    op_tuple1 = 0x85,
    op_tuple2,
    op_tuple3,
    op_newtrue,
    op_newfalse,
    op_long1,
    op_long4,
    op_short_binunicode,
    op_binunicode8,
    op_binbytes8,
    op_empty_set,
    op_additems,
    op_frozenset,
    op_stack_global = 0x93,
    op_memoize,
    op_frame,
    op_bytearray8
};

}  // namespace spikelens
