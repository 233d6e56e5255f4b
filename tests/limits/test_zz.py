n = 0


def test_it(api):
    global n
    n += 1
    assert n > 1
