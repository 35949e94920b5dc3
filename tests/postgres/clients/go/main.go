// A backend on pgx that takes what the contract gives it, and knows nothing of TLS.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
)

func main() {
	where := fmt.Sprintf("host=%s port=%s dbname=%s user=%s password=%s", os.Getenv("DB_HOST"),
		os.Getenv("DB_PORT"), os.Getenv("DB_NAME"), os.Getenv("DB_USER"), os.Getenv("DB_PASSWORD"))
	client, err := pgx.Connect(context.Background(), where)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer client.Close(context.Background())
	if _, err := client.Exec(context.Background(), "SET ROLE NONE"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var encrypted bool
	var version string
	query := "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
	if err := client.QueryRow(context.Background(), query).Scan(&encrypted, &version); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(encrypted, version)
}
