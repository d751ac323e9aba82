#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace spikelens {

/// Starts at a cache line: a load of a whole vector register then never crosses two.
template <class T>
struct CacheLineAllocator {
    using value_type = T;
    CacheLineAllocator() = default;
    template <class U>
    CacheLineAllocator(const CacheLineAllocator<U>&) {}

    T* allocate(std::size_t count) { return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})); }
    void deallocate(T* at, std::size_t) { ::operator delete (at, std::align_val_t{64}); }
    bool operator==(const CacheLineAllocator&) const = default;
};

template <class T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

}  // namespace spikelens
