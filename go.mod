module sigmac

go 1.26
